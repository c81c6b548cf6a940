/*
 * several.c - the module monitor-several: commands with `;` between them, and `N* COMMAND` for a command N times.
 *
 * A `;` inside of quotes is a character like any other. Context and locks: as in monitor.h.
 */
#include <moult/module.h>
#include <moult/monitor.h>

struct monitor_state {
    char nothing;
};

static void several_load(struct monitor_state *state, const struct monitor_record *record)
{
    (void)state;
    (void)record;
}

static size_t several_save(const struct monitor_state *state, struct monitor_record *record)
{
    (void)state;
    return sizeof(*record);
}

/* Skips `N*` and returns N; 1 if there is none, and nothing is skipped. More than 64 times is as bad as 65. */
static unsigned times(const char **text, const char *end)
{
    unsigned number = 0;
    const char *at = *text;

    while (at < end && *at >= '0' && *at <= '9') {
        number = number > MONITOR_GIVE_MAX ? number : number * 10 + (unsigned)(*at - '0');
        at++;
    }
    if (at == *text || at == end || *at != '*')
        return 1;
    *text = at + 1;
    return number;
}

/* Where the command that begins at `text` ends. */
static const char *end_of(const char *text, const char *end)
{
    char quote = 0;

    for (; text < end && (quote || *text != ';'); text++) {
        if (*text == '\\' && quote == '"' && text + 1 < end)
            text++;
        else if (quote ? *text == quote : *text == '"' || *text == '\'')
            quote = quote ? 0 : *text;
    }
    return text;
}

static int several_read(struct monitor_state *state, const char *line, size_t length)
{
    const char *end = line + length;

    (void)state;
    while (line < end) {
        const char *stop = end_of(line, end);

        while (line < stop && *line == ' ')
            line++;
        for (unsigned i = times(&line, stop); i > 0; i--)
            if (!monitor_give(line, (size_t)(stop - line)))
                return monitor_refuse(
                    "a line stands for at most 64 commands, of not more than 8,000 characters; type two");
        line = stop + (stop < end);
    }
    return MONITOR_READ;
}

const struct monitor_ops several_ops = {
    .state_bytes = sizeof(struct monitor_state),
    .record_version = MONITOR_RECORD_VERSION,
    .load = several_load,
    .save = several_save,
    .read = several_read,
};

MODULE_SLOT(monitor, several_ops);
MODULE("monitor-several", "1.0", "several commands on a line, and a command several times");
