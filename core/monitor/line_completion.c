/*
 * line_completion.c - the tab key: extends the word before the cursor as far as all candidates agree, or lists them.
 *
 * Entry point: line_complete(). Pure but for the editor's `complete`, which says what there is.
 */
#include "core/monitor/line_editor_private.h"
#include <moult/text.h>
#include <string.h>

#define LISTED_MAX 200 /* candidates that are listed */
#define COLUMN_GAP 2

/* What all candidates for a word have in common; the first of them is in `candidate` of the editor. */
struct agreement {
    size_t count;   /* candidates */
    size_t common;  /* characters that all of them begin with */
    size_t longest; /* of them */
};

size_t line_editor_word_start(const char *line, size_t cursor)
{
    while (cursor && line[cursor - 1] != ' ')
        cursor--;
    return cursor;
}

static const char *next_candidate(struct line_editor *editor, size_t start, size_t *state)
{
    return editor->complete(editor->context, editor->line, start, editor->cursor, state);
}

static void find_agreement(struct line_editor *editor, size_t start, struct agreement *agreement)
{
    const char *candidate;
    size_t state = 0;

    *agreement = (struct agreement){.count = 0};
    while ((candidate = next_candidate(editor, start, &state))) {
        size_t length = strlen(candidate), same = 0;

        if (length > LINE_LENGTH_MAX)
            continue;
        if (!agreement->count++) {
            memcpy(editor->candidate, candidate, length + 1);
            agreement->common = length;
        }
        while (same < agreement->common && candidate[same] == editor->candidate[same])
            same++;
        agreement->common = same;
        if (length > agreement->longest)
            agreement->longest = length;
    }
}

/* Below the line, in columns; then the prompt again. */
static void list_candidates(struct line_editor *editor, size_t start, const struct agreement *agreement)
{
    size_t width = agreement->longest + COLUMN_GAP, columns = EDITOR_COLUMNS / width, state = 0, shown = 0;
    const char *candidate;
    char text[64];

    line_put(editor, "\n");
    while (shown < LISTED_MAX && (candidate = next_candidate(editor, start, &state))) {
        size_t length = strlen(candidate);
        bool last = ++shown == agreement->count || columns == 0 || shown % columns == 0;

        line_put(editor, candidate);
        if (last)
            line_put(editor, "\n");
        for (; !last && length < width; length++)
            line_put(editor, " ");
    }
    if (agreement->count > shown) {
        text_format(text, sizeof text, "\nand %lu more\n", (unsigned long)(agreement->count - shown));
        line_put(editor, text);
    }
    line_redraw(editor);
}

void line_complete(struct line_editor *editor)
{
    struct agreement agreement;
    size_t start = line_editor_word_start(editor->line, editor->cursor), written = editor->cursor - start;

    find_agreement(editor, start, &agreement);
    if (!agreement.count || agreement.common < written) {
        line_bell(editor);
        return;
    }
    if (agreement.common > written)
        line_insert(editor, editor->candidate + written, agreement.common - written);
    else if (agreement.count > 1)
        list_candidates(editor, start, &agreement);
    if (agreement.count == 1 && editor->candidate[agreement.common - 1] != '=' && !editor->line[editor->cursor])
        line_insert(editor, " ", 1);
}
