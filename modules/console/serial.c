/*
 * serial.c - the module console-serial: everything goes to the serial port alone; the screen is left as it is.
 *
 * Where there is no serial port, to what there is. Context and locks: as in console.h.
 */
#include <moult/console.h>
#include <moult/module.h>

struct console_state {
    char nothing;
};

static void serial_load(struct console_state *state, const struct console_record *record)
{
    (void)state;
    (void)record;
}

static size_t serial_save(const struct console_state *state, struct console_record *record)
{
    (void)state;
    return sizeof(*record);
}

static int serial_write(struct console_state *state, const struct console_facts *text)
{
    unsigned to = text->devices & CONSOLE_SERIAL ? CONSOLE_SERIAL : text->devices;

    (void)state;
    console_give_lines(to, text->text, text->length);
    return CONSOLE_WRITTEN;
}

const struct console_ops serial_ops = {
    .state_bytes = sizeof(struct console_state),
    .record_version = CONSOLE_RECORD_VERSION,
    .load = serial_load,
    .save = serial_save,
    .write = serial_write,
};

MODULE_SLOT(console, serial_ops);
MODULE("console-serial", "1.0", "everything goes to the serial port alone");
