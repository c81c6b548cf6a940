/*
 * console.c - the module bad-console: every device is sent everything, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`).
 */
#include "faults.h"
#include <moult/console.h>
#include <moult/module.h>

/* Values of `op`. */
enum op {
    LOAD,
    SAVE,
    WRITE,
};

/* Values of `kind` beyond those of faults.h. */
enum kind {
    ANSWER_NOTHING = FAULTS,
    ANSWER_GARBAGE,
    FAIL_HALF_WAY, /* a part of the text has been given */
    GIVE_TOO_MUCH,
    WRONG_SIZE,
    WRONG_ROW,
};

MODULE_PARAMETER(op, WRITE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct console_state {
    uint32_t row;
};

static uint64_t calls;

/* Is this the call in which to misbehave, and every one after it? */
static bool now(enum op op)
{
    if (op != parameter_op || ++calls < parameter_after)
        return false;
    parameter_hits++;
    fail_inside(parameter_kind);
    return true;
}

static void bad_load(struct console_state *state, const struct console_record *record)
{
    state->row = record->row;
    now(LOAD);
}

static size_t bad_save(const struct console_state *state, struct console_record *record)
{
    bool bad = now(SAVE);

    record->fields = CONSOLE_HAS_ROW;
    record->row = bad && parameter_kind == WRONG_ROW ? 77 : state->row;
    return bad && parameter_kind == WRONG_SIZE ? sizeof(*record) - 8 : sizeof(*record);
}

static int bad_write(struct console_state *state, const struct console_facts *text)
{
    bool bad = now(WRITE);

    (void)state;
    if (bad && parameter_kind == FAIL_HALF_WAY) {
        console_give_lines(text->devices, text->text, (text->length + 1) / 2);
        fail_inside(READ_NOWHERE);
    }
    if (bad && parameter_kind == GIVE_TOO_MUCH) {
        while (console_give(text->devices, "too much ", 9))
            ;
        return 0;
    }
    console_give_lines(text->devices, text->text, text->length);
    if (bad && parameter_kind == ANSWER_NOTHING)
        return 0;
    return bad && parameter_kind == ANSWER_GARBAGE ? 0x5a5a : CONSOLE_WRITTEN;
}

const struct console_ops bad_console_ops = {
    .state_bytes = sizeof(struct console_state),
    .record_version = CONSOLE_RECORD_VERSION,
    .load = bad_load,
    .save = bad_save,
    .write = bad_write,
};

MODULE_SLOT(console, bad_console_ops);
MODULE("bad-console", "1.0", "a console policy that misbehaves");
