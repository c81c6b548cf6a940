/*
 * monitor_line.c - monitor-line, the policy built in for the monitor: a line is a command.
 *
 * Entry point: monitor_line_ops. Context and locks: as in monitor.h.
 */
#include <moult/monitor.h>

struct monitor_state {
    char nothing;
};

static void line_load(struct monitor_state *state, const struct monitor_record *record)
{
    (void)state;
    (void)record;
}

static size_t line_save(const struct monitor_state *state, struct monitor_record *record)
{
    (void)state;
    return sizeof(*record);
}

static int line_read(struct monitor_state *state, const char *line, size_t length)
{
    (void)state;
    monitor_give(line, length);
    return MONITOR_READ;
}

const struct monitor_ops monitor_line_ops = {
    .state_bytes = sizeof(struct monitor_state),
    .record_version = MONITOR_RECORD_VERSION,
    .load = line_load,
    .save = line_save,
    .read = line_read,
};
