/*
 * log_all.c - log-all, the policy built in for the log: every line is shown.
 *
 * Entry point: log_all_ops. Context and locks: as in log.h.
 */
#include <moult/log.h>

struct log_state {
    char nothing;
};

static void all_load(struct log_state *state, const struct log_record *record)
{
    (void)state;
    (void)record;
}

static size_t all_save(const struct log_state *state, struct log_record *record)
{
    (void)state;
    return sizeof(*record);
}

static unsigned all_choose(struct log_state *state, const struct log_facts *line)
{
    (void)state;
    (void)line;
    return LOG_SHOW;
}

const struct log_ops log_all_ops = {
    .state_bytes = sizeof(struct log_state),
    .record_version = LOG_RECORD_VERSION,
    .load = all_load,
    .save = all_save,
    .choose = all_choose,
};
