/*
 * line_editor.c - what the keys do to the line being typed.
 *
 * Typing at the end of a line sends the character alone while the row has room; everything else draws the row anew.
 * When the window has to move, it moves by WINDOW_STEP, so that a long line typed by a program is not drawn for every
 * character.
 *
 * Entry points: line_editor_start(), line_editor_feed(), line_editor_draw(). Pure: touches only `editor`. Escape
 * sequences are in line_keys.c, completion is in line_completion.c.
 */
#include "core/monitor/line_editor.h"
#include "core/monitor/line_editor_private.h"
#include <moult/text.h>
#include <string.h>

#define WINDOW_STEP 24

/* Characters of the line that the row has room for: the last column stays free, or terminals would wrap. */
static size_t row_capacity(const struct line_editor *editor)
{
    return EDITOR_COLUMNS - 1 - strlen(editor->prompt);
}

void line_put(struct line_editor *editor, const char *text)
{
    editor->write(editor->context, text, strlen(text));
}

void line_bell(struct line_editor *editor)
{
    line_put(editor, "\a");
}

size_t line_editor_draw(const struct line_editor *editor, char *text)
{
    size_t room = row_capacity(editor), shown = editor->length - editor->window;

    if (shown > room)
        shown = room;
    size_t used = text_format(text, EDITOR_DRAWN_BYTES, "\r%s", editor->prompt);
    char *row = text + used;
    memcpy(row, editor->line + editor->window, shown);
    if (editor->window && shown)
        row[0] = '<';
    if (editor->window + shown < editor->length)
        row[shown - 1] = '>';
    used += shown;
    used += text_format(text + used, EDITOR_DRAWN_BYTES - used, "\x1b[K");
    size_t back = editor->window + shown - editor->cursor;
    if (back)
        used += text_format(text + used, EDITOR_DRAWN_BYTES - used, "\x1b[%luD", (unsigned long)back);
    return used;
}

/* Moves the window so that it shows the cursor. */
static void follow_cursor(struct line_editor *editor)
{
    size_t room = row_capacity(editor);

    if (editor->length <= room)
        editor->window = 0;
    while (editor->cursor < editor->window + (editor->window > 0))
        editor->window -= editor->window < WINDOW_STEP ? editor->window : WINDOW_STEP;
    while (editor->cursor > editor->window + room)
        editor->window += WINDOW_STEP;
}

void line_redraw(struct line_editor *editor)
{
    char text[EDITOR_DRAWN_BYTES];

    follow_cursor(editor);
    editor->write(editor->context, text, line_editor_draw(editor, text));
}

void line_insert(struct line_editor *editor, const char *text, size_t count)
{
    if (editor->length + count > LINE_LENGTH_MAX) {
        editor->refused = true;
        line_bell(editor);
        return;
    }
    bool appending = editor->cursor == editor->length &&
                     editor->length + count <= editor->window + row_capacity(editor);
    memmove(editor->line + editor->cursor + count, editor->line + editor->cursor, editor->length - editor->cursor + 1);
    memcpy(editor->line + editor->cursor, text, count);
    editor->length += count;
    editor->cursor += count;
    if (appending)
        editor->write(editor->context, text, count);
    else
        line_redraw(editor);
}

void line_delete(struct line_editor *editor, size_t from, size_t to)
{
    if (from == to) {
        line_bell(editor);
        return;
    }
    memmove(editor->line + from, editor->line + to, editor->length - to + 1);
    editor->length -= to - from;
    editor->cursor = from;
    editor->refused = false;
    line_redraw(editor);
}

void line_move(struct line_editor *editor, size_t to)
{
    if (to > editor->length) { /* also what was before the start */
        line_bell(editor);
        return;
    }
    editor->cursor = to;
    line_redraw(editor);
}

void line_replace(struct line_editor *editor, const char *text)
{
    editor->length = strlen(text);
    memcpy(editor->line, text, editor->length + 1);
    editor->cursor = editor->length;
    editor->window = 0;
    editor->refused = false;
    line_redraw(editor);
}

/* Remembers the line, unless it is blank or the same as the one before. */
static void remember(struct line_editor *editor)
{
    const char *last = editor->history[(editor->history_count - 1) % HISTORY_LINES];

    const char *first = editor->line;

    while (*first == ' ')
        first++;
    if (!*first || (editor->history_count && !strcmp(last, editor->line)))
        return;
    memcpy(editor->history[editor->history_count % HISTORY_LINES], editor->line, editor->length + 1);
    editor->history_count++;
}

/* Leaves the whole line on the console, so that what follows stands below it, and a transcript has it in full. */
static enum line_event finish(struct line_editor *editor, const char *mark, enum line_event event)
{
    if (editor->length > row_capacity(editor)) {
        line_put(editor, "\r");
        line_put(editor, editor->prompt);
        editor->write(editor->context, editor->line, editor->length);
        line_put(editor, "\x1b[K");
    } else if (editor->cursor != editor->length) {
        line_move(editor, editor->length);
    }
    line_put(editor, mark);
    line_put(editor, "\n");
    if (event != LINE_ABANDONED)
        remember(editor);
    return event;
}

void line_editor_init(struct line_editor *editor)
{
    editor->history_count = 0;
    editor->after_return = false;
}

void line_editor_start(struct line_editor *editor)
{
    editor->line[0] = 0;
    editor->length = editor->cursor = editor->window = 0;
    editor->refused = false;
    editor->history_back = 0;
    editor->escape = 0;
    line_put(editor, editor->prompt);
}

enum line_event line_editor_feed(struct line_editor *editor, unsigned char byte)
{
    bool second_half = byte == '\n' && editor->after_return;

    editor->after_return = byte == '\r';
    if (second_half)
        return LINE_MORE;
    if (byte == '\r' || byte == '\n')
        return finish(editor, "", editor->refused ? LINE_TOO_LONG : LINE_DONE);
    if (byte == CONTROL('C'))
        return finish(editor, "^C", LINE_ABANDONED);
    line_key(editor, byte);
    return LINE_MORE;
}
