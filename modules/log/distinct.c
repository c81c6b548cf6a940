/*
 * distinct.c - the module log-distinct: a line that says the same as the one before is held back.
 *
 * Context and locks: as in log.h.
 */
#include <moult/log.h>
#include <moult/module.h>

struct log_state {
    uint64_t last; /* log_hash() of the line before; 0: not known */
};

static void distinct_load(struct log_state *state, const struct log_record *record)
{
    if (record->fields & LOG_HAS_LAST)
        state->last = record->last;
}

static size_t distinct_save(const struct log_state *state, struct log_record *record)
{
    record->fields = LOG_HAS_LAST;
    record->last = state->last;
    return sizeof(*record);
}

static unsigned distinct_choose(struct log_state *state, const struct log_facts *line)
{
    uint64_t hash = log_hash(line->text);
    unsigned choice = hash == state->last ? LOG_HOLD : LOG_SHOW;

    state->last = hash;
    return choice;
}

const struct log_ops distinct_ops = {
    .state_bytes = sizeof(struct log_state),
    .record_version = LOG_RECORD_VERSION,
    .load = distinct_load,
    .save = distinct_save,
    .choose = distinct_choose,
};

MODULE_SLOT(log, distinct_ops);
MODULE("log-distinct", "1.0", "a line that says the same as the one before is held back");
