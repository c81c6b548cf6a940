/*
 * irq_keys.c - irq-keys, the interrupt service routine built in for the keyboard: the United States' layout.
 *
 * Entry point: irq_keys_ops. Context and locks: as in irq.h.
 */
#include <moult/irq.h>
#include <moult/scancode.h>

struct irq_state {
    struct irq_keys keys;
};

static const struct scan_layout layout = SCAN_LAYOUT_US;

static void keys_load(struct irq_state *state, unsigned line, const struct irq_record *record)
{
    (void)line;
    if (record->fields & IRQ_HAS_KEYS)
        state->keys = record->keys;
}

static size_t keys_save(const struct irq_state *state, struct irq_record *record)
{
    record->keys = state->keys;
    record->fields |= IRQ_HAS_KEYS;
    return sizeof(*record);
}

static int keys_handle(struct irq_state *state, unsigned line)
{
    char text[SCAN_TEXT_BYTES];
    int64_t byte;
    while ((byte = irq_take(line)) >= 0) {
        scan_byte(&state->keys, &layout, (uint8_t)byte, text);
        for (const char *next = text; *next; next++)
            irq_give(line, (uint8_t)*next);
    }
    return IRQ_SERVED;
}

const struct irq_ops irq_keys_ops = {
    .state_bytes = sizeof(struct irq_state),
    .sources = IRQ_SOURCE_KEYS,
    .record_version = IRQ_RECORD_VERSION,
    .load = keys_load,
    .save = keys_save,
    .handle = keys_handle,
};
