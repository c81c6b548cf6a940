/*
 * calm.c - the module log-calm: a token bucket, so that a flood of lines leaves the consoles usable.
 *
 * `rate` lines a second (parameter, 20) may be shown, and up to `burst` (parameter, 40) at once after a quiet time. A
 * successor of its kind goes on with what is left of the allowance. It also remembers what the last line said, for a
 * successor that wants to know.
 *
 * Context and locks: as in log.h.
 */
#include <moult/log.h>
#include <moult/module.h>
#include <stdbool.h>

#define SECOND 1000000000ul

MODULE_PARAMETER(rate, 20);
MODULE_PARAMETER(burst, 40);

struct log_state {
    uint64_t allowance; /* lines */
    uint64_t since;     /* when it was counted, nanoseconds */
    uint64_t last;      /* log_hash() of the line before */
    bool began;
};

static void calm_load(struct log_state *state, const struct log_record *record)
{
    if (record->fields & LOG_HAS_LAST)
        state->last = record->last;
    if (!(record->fields & LOG_HAS_ALLOWANCE))
        return;
    state->allowance = record->allowance;
    state->since = record->since;
    state->began = true;
}

static size_t calm_save(const struct log_state *state, struct log_record *record)
{
    record->fields = LOG_HAS_LAST | (state->began ? LOG_HAS_ALLOWANCE : 0);
    record->allowance = state->allowance;
    record->since = state->since;
    record->last = state->last;
    return sizeof(*record);
}

/* Adds what the time since the last count is worth, whole lines only. */
static void count(struct log_state *state, uint64_t now)
{
    uint64_t interval = parameter_rate < SECOND ? SECOND / (parameter_rate + !parameter_rate) : 1;
    uint64_t lines = parameter_rate ? (now - state->since) / interval : 0;

    if (!state->began || lines >= parameter_burst - state->allowance || state->allowance > parameter_burst) {
        state->allowance = parameter_burst;
        state->since = now;
    } else {
        state->allowance += lines;
        state->since += lines * interval;
    }
    state->began = true;
}

static unsigned calm_choose(struct log_state *state, const struct log_facts *line)
{
    count(state, line->now);
    state->last = log_hash(line->text);
    if (state->allowance == 0)
        return LOG_HOLD;
    state->allowance--;
    return LOG_SHOW;
}

const struct log_ops calm_ops = {
    .state_bytes = sizeof(struct log_state),
    .record_version = LOG_RECORD_VERSION,
    .load = calm_load,
    .save = calm_save,
    .choose = calm_choose,
};

MODULE_SLOT(log, calm_ops);
MODULE("log-calm", "1.0", "so many lines a second, and so many at once");
