/*
 * colour.c - the module console-colour: on every device the log is cyan and an error red.
 *
 * What kind of row it is shows at its beginning, and a row may come in parts: so that is its state, and what it hands
 * over. The colour ends with each part, so that whoever writes next begins plainly.
 *
 * Context and locks: as in console.h.
 */
#include <moult/console.h>
#include <moult/module.h>

#define LENGTH(text) (sizeof(text) - 1)

struct console_state {
    enum console_row row;
};

static const char *const colours[CONSOLE_ROWS] = {[CONSOLE_ROW_LOG] = "\x1b[36m", [CONSOLE_ROW_ERROR] = "\x1b[31m"};

static void colour_load(struct console_state *state, const struct console_record *record)
{
    if (record->fields & CONSOLE_HAS_ROW)
        state->row = record->row;
}

static size_t colour_save(const struct console_state *state, struct console_record *record)
{
    record->fields = CONSOLE_HAS_ROW;
    record->row = state->row;
    return sizeof(*record);
}

static enum console_row row_of(const struct console_facts *text, const char *part, size_t length)
{
    if (text->kind == CONSOLE_LOG)
        return CONSOLE_ROW_LOG;
    if (text->kind == CONSOLE_REPLY && length >= LENGTH("error: ") &&
        !__builtin_memcmp(part, "error: ", LENGTH("error: ")))
        return CONSOLE_ROW_ERROR;
    return CONSOLE_ROW_PLAIN;
}

/* A part of a row. */
static void say(const struct console_state *state, const struct console_facts *text, const char *part, size_t length)
{
    const char *colour = colours[state->row];

    if (colour)
        console_give(text->devices, colour, LENGTH("\x1b[36m"));
    console_give(text->devices, part, length);
    if (colour)
        console_give(text->devices, "\x1b[0m", LENGTH("\x1b[0m"));
}

static int colour_write(struct console_state *state, const struct console_facts *text)
{
    const char *part = text->text, *end = part + text->length;

    while (part < end) {
        const char *newline = part;

        while (newline < end && *newline != '\n')
            newline++;
        if (newline > part && (state->row == CONSOLE_ROW_EMPTY || text->kind != CONSOLE_REPLY))
            state->row = row_of(text, part, (size_t)(newline - part));
        if (newline > part)
            say(state, text, part, (size_t)(newline - part));
        if (newline < end) {
            console_give(text->devices, "\r\n", 2);
            state->row = CONSOLE_ROW_EMPTY;
            newline++;
        }
        part = newline;
    }
    return CONSOLE_WRITTEN;
}

const struct console_ops colour_ops = {
    .state_bytes = sizeof(struct console_state),
    .record_version = CONSOLE_RECORD_VERSION,
    .load = colour_load,
    .save = colour_save,
    .write = colour_write,
};

MODULE_SLOT(console, colour_ops);
MODULE("console-colour", "1.0", "the log is cyan and an error red");
