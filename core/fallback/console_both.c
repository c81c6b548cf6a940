/*
 * console_both.c - console-both, the policy built in for the consoles: every device is sent everything.
 *
 * Entry point: console_both_ops. Context and locks: as in console.h.
 */
#include <moult/console.h>

struct console_state {
    char nothing;
};

static void both_load(struct console_state *state, const struct console_record *record)
{
    (void)state;
    (void)record;
}

static size_t both_save(const struct console_state *state, struct console_record *record)
{
    (void)state;
    return sizeof(*record);
}

static int both_write(struct console_state *state, const struct console_facts *text)
{
    (void)state;
    console_give_lines(text->devices, text->text, text->length);
    return CONSOLE_WRITTEN;
}

const struct console_ops console_both_ops = {
    .state_bytes = sizeof(struct console_state),
    .record_version = CONSOLE_RECORD_VERSION,
    .load = both_load,
    .save = both_save,
    .write = both_write,
};
