/*
 * monitor.c - the module bad-monitor: a line is a command, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`).
 */
#include "faults.h"
#include <moult/module.h>
#include <moult/monitor.h>

/* Values of `op`. */
enum op {
    LOAD,
    SAVE,
    READ,
};

/* Values of `kind` beyond those of faults.h. */
enum kind {
    ANSWER_NOTHING = FAULTS,
    ANSWER_GARBAGE,
    FAIL_HALF_WAY, /* the command has been given */
    GIVE_TOO_MUCH,
    WRONG_SIZE,
    WRONG_ALIAS, /* it has no end */
};

MODULE_PARAMETER(op, READ);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct monitor_state {
    struct monitor_alias aliases[MONITOR_ALIASES];
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

static void bad_load(struct monitor_state *state, const struct monitor_record *record)
{
    __builtin_memcpy(state->aliases, record->aliases, sizeof(state->aliases));
    now(LOAD);
}

static size_t bad_save(const struct monitor_state *state, struct monitor_record *record)
{
    bool bad = now(SAVE);

    record->fields = MONITOR_HAS_ALIASES;
    __builtin_memcpy(record->aliases, state->aliases, sizeof(record->aliases));
    if (bad && parameter_kind == WRONG_ALIAS)
        __builtin_memset(&record->aliases[3], 'x', sizeof(record->aliases[3]));
    return bad && parameter_kind == WRONG_SIZE ? sizeof(*record) - 8 : sizeof(*record);
}

static int bad_read(struct monitor_state *state, const char *line, size_t length)
{
    bool bad = now(READ);

    (void)state;
    monitor_give(line, length);
    if (bad && parameter_kind == FAIL_HALF_WAY)
        fail_inside(READ_NOWHERE);
    if (bad && parameter_kind == GIVE_TOO_MUCH) {
        while (monitor_give("slots", 5))
            ;
        return 0;
    }
    if (bad && parameter_kind == ANSWER_NOTHING)
        return 0;
    return bad && parameter_kind == ANSWER_GARBAGE ? 0x5a5a : MONITOR_READ;
}

const struct monitor_ops bad_monitor_ops = {
    .state_bytes = sizeof(struct monitor_state),
    .record_version = MONITOR_RECORD_VERSION,
    .load = bad_load,
    .save = bad_save,
    .read = bad_read,
};

MODULE_SLOT(monitor, bad_monitor_ops);
MODULE("bad-monitor", "1.0", "a monitor's policy that misbehaves");
