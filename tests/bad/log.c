/*
 * log.c - the module bad-log: every line is shown, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`).
 */
#include "faults.h"
#include <moult/log.h>
#include <moult/module.h>
#include <stdbool.h>

/* Values of `op`. */
enum op {
    LOAD,
    SAVE,
    CHOOSE,
};

/* Values of `kind` beyond those of faults.h. */
enum kind {
    ANSWER_GARBAGE = FAULTS,
    WRONG_SIZE,
    WRONG_FIELDS,
};

MODULE_PARAMETER(op, CHOOSE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct log_state {
    uint64_t last;
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

static void bad_load(struct log_state *state, const struct log_record *record)
{
    state->last = record->last;
    now(LOAD);
}

static size_t bad_save(const struct log_state *state, struct log_record *record)
{
    bool bad = now(SAVE);

    record->fields = LOG_HAS_LAST | (bad && parameter_kind == WRONG_FIELDS ? 1u << 31 : 0);
    record->last = state->last;
    return bad && parameter_kind == WRONG_SIZE ? sizeof(*record) - 8 : sizeof(*record);
}

static unsigned bad_choose(struct log_state *state, const struct log_facts *line)
{
    bool bad = now(CHOOSE);

    state->last = log_hash(line->text);
    return bad && parameter_kind == ANSWER_GARBAGE ? 77 : LOG_SHOW;
}

const struct log_ops bad_log_ops = {
    .state_bytes = sizeof(struct log_state),
    .record_version = LOG_RECORD_VERSION,
    .load = bad_load,
    .save = bad_save,
    .choose = bad_choose,
};

MODULE_SLOT(log, bad_log_ops);
MODULE("bad-log", "1.0", "a policy of the log that misbehaves");
