/* sources: core/monitor/line_editor.c core/monitor/line_keys.c core/monitor/line_completion.c core/text.c */
/*
 * line_editor.c - any bytes as keys typed: the line stays whole, and nothing but what a terminal understands is sent.
 */
#include "core/monitor/line_editor.h"
#include <stdlib.h>
#include <string.h>

#define MUST(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *complete(void *context, const char *line, size_t start, size_t cursor, size_t *state)
{
    static const char *const words[] = {"", "a", "ab=", "abc", "sched-rr"};

    (void)context;
    MUST(start <= cursor && cursor <= strlen(line));
    while (*state < sizeof words / sizeof *words) {
        const char *word = words[(*state)++];

        if (!strncmp(word, line + start, cursor - start))
            return word;
    }
    return NULL;
}

static void discard(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++)
        MUST((text[i] >= ' ' && text[i] < 127) || strchr("\r\n\a\x1b", text[i]));
}

static void type(const uint8_t *data, size_t size)
{
    static struct line_editor editor = {.prompt = "moult> ", .write = discard, .complete = complete};
    char drawn[EDITOR_DRAWN_BYTES];

    line_editor_init(&editor);
    line_editor_start(&editor);
    for (size_t i = 0; i < size; i++) {
        enum line_event event = line_editor_feed(&editor, data[i]);

        MUST(editor.cursor <= editor.length && editor.length <= LINE_LENGTH_MAX &&
             strlen(editor.line) == editor.length);
        if (event == LINE_MORE) {
            MUST(line_editor_draw(&editor, drawn) <= sizeof drawn);
            continue;
        }
        line_editor_start(&editor);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    type(data, size);
    return 0;
}
