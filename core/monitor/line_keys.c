/*
 * line_keys.c - from bytes to keys: control characters, escape sequences (ECMA-48, as xterm and VT220 send them),
 * history.
 *
 * Entry point: line_key(). Pure. Bytes that mean nothing here ring the bell; sequences that do are dropped whole.
 */
#include "core/monitor/line_editor_private.h"
#include <string.h>

#define PARAMETER_MAX 1000 /* enough to tell an unknown one from the known */
#define MODIFIER_NONE 1

/* Where in an escape sequence the editor is: `escape`. */
enum escape_state {
    ESCAPE_NONE,
    ESCAPE_BEGUN,    /* after ESC */
    ESCAPE_NUMBER,   /* after ESC [: the first parameter */
    ESCAPE_MODIFIER, /* after ;: the second */
    ESCAPE_SINGLE,   /* after ESC O: one letter */
};

static bool word_character(char character)
{
    return character != ' ' && character != '=' && character != ',';
}

static size_t word_left(const struct line_editor *editor)
{
    size_t at = editor->cursor;

    while (at && !word_character(editor->line[at - 1]))
        at--;
    while (at && word_character(editor->line[at - 1]))
        at--;
    return at;
}

static size_t word_right(const struct line_editor *editor)
{
    size_t at = editor->cursor;

    while (at < editor->length && !word_character(editor->line[at]))
        at++;
    while (at < editor->length && word_character(editor->line[at]))
        at++;
    return at;
}

/* Shows the line `back` lines ago; 0: the one that was being typed. */
static void show_history(struct line_editor *editor, uint32_t back)
{
    uint32_t kept = editor->history_count < HISTORY_LINES ? editor->history_count : HISTORY_LINES;

    if (back > kept) { /* also what was below 0 */
        line_bell(editor);
        return;
    }
    if (!editor->history_back)
        memcpy(editor->typed, editor->line, editor->length + 1);
    editor->history_back = back;
    line_replace(editor, back ? editor->history[(editor->history_count - back) % HISTORY_LINES] : editor->typed);
}

static void delete_right(struct line_editor *editor)
{
    line_delete(editor, editor->cursor, editor->cursor + (editor->cursor < editor->length));
}

/* The letter that ends a sequence. */
static void letter_key(struct line_editor *editor, char letter)
{
    bool by_words = editor->escape_modifier > MODIFIER_NONE;

    switch (letter) {
    case 'A':
        show_history(editor, editor->history_back + 1);
        break;
    case 'B':
        show_history(editor, editor->history_back - 1);
        break;
    case 'C':
        line_move(editor, by_words ? word_right(editor) : editor->cursor + 1);
        break;
    case 'D':
        line_move(editor, by_words ? word_left(editor) : editor->cursor - 1);
        break;
    case 'H':
        line_move(editor, 0);
        break;
    case 'F':
        line_move(editor, editor->length);
        break;
    }
}

/* A sequence that ends in ~ is known by its number. */
static void numbered_key(struct line_editor *editor)
{
    switch (editor->escape_number) {
    case 1:
    case 7:
        line_move(editor, 0);
        break;
    case 4:
    case 8:
        line_move(editor, editor->length);
        break;
    case 3:
        delete_right(editor);
        break;
    }
}

/* After ESC alone: letters with alt. */
static void escape_begun(struct line_editor *editor, unsigned char byte)
{
    editor->escape = ESCAPE_NONE;
    editor->escape_number = editor->escape_modifier = 0;
    if (byte == '[')
        editor->escape = ESCAPE_NUMBER;
    else if (byte == 'O')
        editor->escape = ESCAPE_SINGLE;
    else if (byte == 'b')
        line_move(editor, word_left(editor));
    else if (byte == 'f')
        line_move(editor, word_right(editor));
    else if (byte == 'd')
        line_delete(editor, editor->cursor, word_right(editor));
    else if (byte == 127 || byte == CONTROL('H'))
        line_delete(editor, word_left(editor), editor->cursor);
}

/* Within a sequence: digits and semicolons, then the byte that ends it. */
static void escape_key(struct line_editor *editor, unsigned char byte)
{
    uint32_t *parameter = editor->escape == ESCAPE_NUMBER ? &editor->escape_number : &editor->escape_modifier;

    if (editor->escape == ESCAPE_BEGUN) {
        escape_begun(editor, byte);
    } else if (editor->escape != ESCAPE_SINGLE && byte >= '0' && byte <= '9') {
        if (*parameter < PARAMETER_MAX)
            *parameter = *parameter * 10 + (byte - '0');
    } else if (editor->escape != ESCAPE_SINGLE && byte == ';') {
        editor->escape = ESCAPE_MODIFIER;
        editor->escape_modifier = 0;
    } else if (editor->escape != ESCAPE_SINGLE && byte >= ' ' && byte < '@') {
        /*
         * intermediate bytes and private parameters: of keys that mean nothing here, whose last byte will not match
         * either
         */
        editor->escape_number = PARAMETER_MAX;
    } else {
        editor->escape = ESCAPE_NONE;
        if (byte == '~')
            numbered_key(editor);
        else
            letter_key(editor, (char)byte);
    }
}

static void control_key(struct line_editor *editor, unsigned char byte)
{
    switch (byte) {
    case CONTROL('A'):
        line_move(editor, 0);
        break;
    case CONTROL('B'):
        line_move(editor, editor->cursor - 1);
        break;
    case CONTROL('D'):
        delete_right(editor);
        break;
    case CONTROL('E'):
        line_move(editor, editor->length);
        break;
    case CONTROL('F'):
        line_move(editor, editor->cursor + 1);
        break;
    case CONTROL('H'):
    case 127:
        line_delete(editor, editor->cursor - (editor->cursor > 0), editor->cursor);
        break;
    case CONTROL('I'):
        line_complete(editor);
        break;
    case CONTROL('K'):
        line_delete(editor, editor->cursor, editor->length);
        break;
    case CONTROL('L'):
        line_put(editor, "\x1b[H\x1b[2J");
        line_redraw(editor);
        break;
    case CONTROL('N'):
        show_history(editor, editor->history_back - 1);
        break;
    case CONTROL('P'):
        show_history(editor, editor->history_back + 1);
        break;
    case CONTROL('U'):
        line_delete(editor, 0, editor->cursor);
        break;
    case CONTROL('W'):
        line_delete(editor, word_left(editor), editor->cursor);
        break;
    default: /* it is not in the line: say so */
        line_bell(editor);
        break;
    }
}

void line_key(struct line_editor *editor, unsigned char byte)
{
    if (byte == CONTROL('['))
        editor->escape = ESCAPE_BEGUN;
    else if (editor->escape && byte >= ' ')
        escape_key(editor, byte);
    else if (byte >= ' ' && byte < 127)
        line_insert(editor, (const char *)&byte, 1);
    else
        control_key(editor, byte);
}
