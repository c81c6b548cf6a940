/*
 * keyboard.c - the module irq-keyboard: an interrupt service routine for the keyboard with a choice of layouts.
 *
 * `insmod irq-keyboard layout=1` before the swap chooses the British one; otherwise it is the United States'. What is
 * held down, and a prefix that has come, pass from one ISR to the next. Context and locks: as in irq.h.
 */
#include <moult/irq.h>
#include <moult/module.h>
#include <moult/scancode.h>

enum layout { LAYOUT_US, LAYOUT_UK, LAYOUTS };

MODULE_PARAMETER(layout, LAYOUT_US);

/* The British one has a key more, left of Z; characters beyond ASCII are left out. */
static const struct scan_layout layouts[LAYOUTS] = {
    [LAYOUT_US] = SCAN_LAYOUT_US,
    [LAYOUT_UK] =
        {
            .plain = "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0#zxcvbnm,./\0*\0 "
                     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\\",
            .shifted = "\0\033!\"\0$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:@\0\0~ZXCVBNM<>?\0*\0 "
                       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0|",
        },
};

struct irq_state {
    struct irq_keys keys;
    const struct scan_layout *layout;
};

static void keyboard_load(struct irq_state *state, unsigned line, const struct irq_record *record)
{
    (void)line;
    state->layout = &layouts[parameter_layout < LAYOUTS ? parameter_layout : LAYOUT_US];
    if (record->fields & IRQ_HAS_KEYS)
        state->keys = record->keys;
}

static size_t keyboard_save(const struct irq_state *state, struct irq_record *record)
{
    record->keys = state->keys;
    record->fields |= IRQ_HAS_KEYS;
    return sizeof(*record);
}

static int keyboard_handle(struct irq_state *state, unsigned line)
{
    char text[SCAN_TEXT_BYTES];
    int64_t byte;
    while ((byte = irq_take(line)) >= 0) {
        scan_byte(&state->keys, state->layout, (uint8_t)byte, text);
        for (const char *next = text; *next; next++)
            irq_give(line, (uint8_t)*next);
    }
    return IRQ_SERVED;
}

const struct irq_ops keyboard_ops = {
    .state_bytes = sizeof(struct irq_state),
    .sources = IRQ_SOURCE_KEYS,
    .record_version = IRQ_RECORD_VERSION,
    .load = keyboard_load,
    .save = keyboard_save,
    .handle = keyboard_handle,
};

MODULE_SLOT(irq, keyboard_ops);
MODULE("irq-keyboard", "1.0", "keyboard ISR, with a choice of layouts");
