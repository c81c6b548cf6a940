/* sources: core/monitor/line_editor.c core/monitor/line_keys.c core/monitor/line_completion.c core/text.c */
/*
 * line_editor.c - the line editor, against a model of the terminal's row: what stands there must be what the editor
 * means.
 */
#include "core/monitor/line_editor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROMPT "moult> "
#define ROW_BYTES 2048

/* A terminal of one endless row: enough to see that the editor never goes beyond its own. */
static struct {
    char row[ROW_BYTES + 1];
    size_t column, widest;
    unsigned bells, rows;
    char escape[16];
    size_t escape_length;
    char last[ROW_BYTES + 1]; /* the row before the present one */
} terminal;

static struct line_editor editor;

static void end_escape(char letter)
{
    size_t count = strtoul(terminal.escape + 1, NULL, 10);

    if (letter == 'K') {
        memset(terminal.row + terminal.column, ' ', ROW_BYTES - terminal.column);
    } else if (letter == 'D') {
        assert_true(terminal.column >= count);
        terminal.column -= count;
    } else if (letter == 'J' || letter == 'H') {
        memset(terminal.row, ' ', ROW_BYTES);
        terminal.column = 0;
    } else {
        fail_msg("escape sequence that ends in %c", letter);
    }
    terminal.escape_length = 0;
}

static void show(char byte)
{
    if (terminal.escape_length) {
        assert_true(terminal.escape_length < sizeof terminal.escape - 1);
        terminal.escape[terminal.escape_length - 1] = byte;
        terminal.escape[terminal.escape_length++] = 0;
        if (byte != '[' && (byte < '0' || byte > '9'))
            end_escape(byte);
    } else if (byte == '\x1b') {
        terminal.escape_length = 1;
    } else if (byte == '\a') {
        terminal.bells++;
    } else if (byte == '\r') {
        terminal.column = 0;
    } else if (byte == '\n') {
        memcpy(terminal.last, terminal.row, sizeof terminal.row);
        memset(terminal.row, ' ', ROW_BYTES);
        terminal.column = 0;
        terminal.rows++;
    } else {
        assert_true(byte >= ' ' && byte < 127);
        assert_true(terminal.column < ROW_BYTES);
        terminal.row[terminal.column++] = byte;
        if (terminal.column > terminal.widest)
            terminal.widest = terminal.column;
    }
}

static void write_terminal(void *context, const char *text, size_t length)
{
    (void)context;
    while (length--)
        show(*text++);
}

static const char *const words[] = {"poweroff", "ps", "spawn", "swap", "sched-rr", "sched-eevdf", "weight=", NULL};

static const char *complete(void *context, const char *line, size_t start, size_t cursor, size_t *state)
{
    (void)context;
    while (words[*state]) {
        const char *word = words[(*state)++];

        if (!strncmp(word, line + start, cursor - start))
            return word;
    }
    return NULL;
}

static int begin(void **state)
{
    (void)state;
    memset(&terminal, 0, sizeof terminal);
    memset(terminal.row, ' ', ROW_BYTES);
    memset(&editor, 0xa5, sizeof editor); /* nothing may be taken for granted */
    editor.prompt = PROMPT;
    editor.write = write_terminal;
    editor.complete = complete;
    line_editor_init(&editor);
    line_editor_start(&editor);
    return 0;
}

static enum line_event type(const char *bytes)
{
    enum line_event event = LINE_MORE;

    for (; *bytes; bytes++) {
        event = line_editor_feed(&editor, (unsigned char)*bytes);
        if (event != LINE_MORE && bytes[1])
            line_editor_start(&editor);
    }
    return event;
}

/* The row without the blanks at its end. */
static const char *trimmed(const char *row)
{
    static char text[ROW_BYTES + 1];
    size_t length = ROW_BYTES;

    memcpy(text, row, ROW_BYTES);
    while (length && text[length - 1] == ' ')
        length--;
    text[length] = 0;
    return text;
}

/* The line is `expected`, with the cursor before `at`, and the row shows both. */
static void assert_line(const char *expected, size_t at)
{
    char row[ROW_BYTES];

    assert_string_equal(editor.line, expected);
    assert_int_equal(editor.length, strlen(expected));
    assert_int_equal(editor.cursor, at);
    snprintf(row, sizeof row, PROMPT "%s", expected);
    while (*row && row[strlen(row) - 1] == ' ')
        row[strlen(row) - 1] = 0;
    assert_string_equal(trimmed(terminal.row), row);
    assert_int_equal(terminal.column, strlen(PROMPT) + at);
}

static void typed_characters_appear(void **state)
{
    (void)state;
    type("swap sched");
    assert_line("swap sched", 10);
    assert_int_equal(type("\r"), LINE_DONE);
    assert_string_equal(editor.line, "swap sched");
    assert_string_equal(trimmed(terminal.last), PROMPT "swap sched");
}

static void lines_end_in_either_way(void **state)
{
    (void)state;
    assert_int_equal(type("a\r"), LINE_DONE);
    assert_int_equal(type("\n"), LINE_MORE);
    line_editor_start(&editor);
    assert_int_equal(type("b\n"), LINE_DONE);
    line_editor_start(&editor);
    assert_int_equal(type("\n"), LINE_DONE);
    assert_string_equal(editor.line, "");
}

static void the_cursor_moves(void **state)
{
    (void)state;
    type("abc def");
    type("\x1b[D\x1b[D");
    assert_line("abc def", 5);
    type("X");
    assert_line("abc dXef", 6);
    type("\x01Y");
    assert_line("Yabc dXef", 1);
    type("\x05Z");
    assert_line("Yabc dXefZ", 10);
    type("\x1b[H\x1b[C\x06");
    assert_line("Yabc dXefZ", 2);
    type("\x02\x1b[F");
    assert_line("Yabc dXefZ", 10);
    type("\x1b[1~");
    assert_line("Yabc dXefZ", 0);
    type("\x1bOF");
    assert_line("Yabc dXefZ", 10);
    assert_int_equal(terminal.bells, 0);
    type("\x1b[C");
    assert_int_equal(terminal.bells, 1);
    assert_line("Yabc dXefZ", 10);
}

static void words_are_moved_over_and_deleted(void **state)
{
    (void)state;
    type("set 12 weight=300");
    type("\x1b[1;5D");
    assert_line("set 12 weight=300", 14);
    type("\x1b"
         "b\x1b"
         "b");
    assert_line("set 12 weight=300", 4);
    type("\x1b[1;5C");
    assert_line("set 12 weight=300", 6);
    type("\x17");
    assert_line("set  weight=300", 4);
    type("\x1b"
         "d");
    assert_line("set =300", 4);
    type("\x1b\x7f");
    assert_line("=300", 0);
}

static void characters_are_deleted(void **state)
{
    (void)state;
    type("abcdef\x7f\x08");
    assert_line("abcd", 4);
    type("\x01\x04\x1b[3~");
    assert_line("cd", 0);
    type("\x06\x0b");
    assert_line("c", 1);
    type("xyz\x02\x15");
    assert_line("z", 0);
    type("\x04\x04");
    assert_line("", 0);
    assert_int_equal(terminal.bells, 1);
}

static void history_is_walked(void **state)
{
    (void)state;
    type("one\rtwo\rtwo\r   \rthree\r");
    line_editor_start(&editor);
    type("dra\x1b[A");
    assert_line("three", 5);
    type("\x1b[A\x10");
    assert_line("one", 3);
    type("\x1b[A");
    assert_int_equal(terminal.bells, 1);
    assert_line("one", 3);
    type("\x1b[B");
    assert_line("two", 3);
    type("\x0e\x1b[B");
    assert_line("dra", 3);
    type("\x1b[B");
    assert_int_equal(terminal.bells, 2);
    type("\x1b[A\x7f\r");
    assert_string_equal(editor.line, "thre");
    line_editor_start(&editor);
    type("\x1b[A");
    assert_line("thre", 4);
}

static void history_forgets_the_oldest(void **state)
{
    char line[16];

    (void)state;
    for (unsigned i = 0; i < HISTORY_LINES + 10; i++) {
        snprintf(line, sizeof line, "line %u\r", i);
        type(line);
        line_editor_start(&editor);
    }
    for (unsigned i = 0; i < HISTORY_LINES; i++)
        type("\x1b[A");
    assert_int_equal(terminal.bells, 0);
    assert_line("line 10", 7);
    type("\x1b[A");
    assert_int_equal(terminal.bells, 1);
}

static void a_word_is_completed(void **state)
{
    (void)state;
    type("po\t");
    assert_line("poweroff ", 9);
    type("\x15s\t");
    assert_int_equal(terminal.rows, 2);
    assert_non_null(strstr(terminal.last, "spawn"));
    assert_non_null(strstr(terminal.last, "swap"));
    assert_line("s", 1);
    type("wa\tsch\t");
    assert_line("swap sched-", 11);
    type("r\tw\t");
    assert_line("swap sched-rr weight=", 21);
    assert_int_equal(terminal.bells, 0);
    type("\x15zz\t");
    assert_int_equal(terminal.bells, 1);
    assert_line("zz", 2);
}

static void completion_in_the_middle_keeps_the_rest(void **state)
{
    (void)state;
    type("po rest\x01\x06\x06\t");
    assert_line("poweroff rest", 8);
}

static void long_lines_scroll_on_one_row(void **state)
{
    char expected[LINE_LENGTH_MAX + 1];

    (void)state;
    for (size_t i = 0; i < LINE_LENGTH_MAX; i++) {
        expected[i] = (char)('a' + i % 26);
        type((char[]){expected[i], 0});
        assert_true(terminal.widest < EDITOR_COLUMNS);
    }
    expected[LINE_LENGTH_MAX] = 0;
    assert_string_equal(editor.line, expected);
    assert_int_equal(terminal.row[terminal.column - 1], expected[LINE_LENGTH_MAX - 1]);
    for (size_t at = LINE_LENGTH_MAX; at-- > 0;) {
        type("\x1b[D");
        assert_true(terminal.widest < EDITOR_COLUMNS);
        char under = terminal.row[terminal.column];
        assert_true(under == expected[at] || under == '>');
    }
    assert_int_equal(terminal.column, strlen(PROMPT));
    assert_memory_equal(terminal.row + strlen(PROMPT), expected, EDITOR_COLUMNS - strlen(PROMPT) - 2);
}

static void a_line_that_is_too_long_is_not_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < LINE_LENGTH_MAX; i++)
        type("x");
    assert_int_equal(terminal.bells, 0);
    type("yz");
    assert_int_equal(terminal.bells, 2);
    assert_int_equal(editor.length, LINE_LENGTH_MAX);
    assert_int_equal(type("\r"), LINE_TOO_LONG);
    line_editor_start(&editor);
    assert_int_equal(type("ps\r"), LINE_DONE);
    line_editor_start(&editor);
    type("\x1b[A\x1b[A");
    assert_int_equal(editor.length, LINE_LENGTH_MAX);
    type("\x7f");
    assert_int_equal(type("\r"), LINE_DONE);
}

static void the_whole_line_is_left_behind(void **state)
{
    char line[300];

    (void)state;
    memset(line, 'w', sizeof line - 1);
    line[sizeof line - 1] = 0;
    type(line);
    type("\x01\r");
    assert_string_equal(trimmed(terminal.last) + strlen(PROMPT), line);
}

static void control_characters_are_dropped(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool means_something = strchr("\x01\x02\x03\x04\x05\x06\x08\t\n\x0b\x0c\r\x0e\x10\x15\x17\x1b", (int)byte) &&
                               byte;

        if (!means_something && (byte < ' ' || byte > 126))
            assert_int_equal(line_editor_feed(&editor, (unsigned char)byte), LINE_MORE);
    }
    type("\x1b[99;99z\x1b[?25h\x1bx\x1bOP\x1b[200~\x1b[1;2;3;4~");
    assert_string_equal(editor.line, "");
    type("ps");
    assert_line("ps", 2);
}

static void control_c_gives_the_line_up(void **state)
{
    (void)state;
    assert_int_equal(type("poweroff\x03"), LINE_ABANDONED);
    assert_string_equal(trimmed(terminal.last), PROMPT "poweroff^C");
    line_editor_start(&editor);
    type("\x1b[A");
    assert_line("", 0);
    assert_int_equal(terminal.bells, 1);
}

static void the_screen_is_cleared(void **state)
{
    (void)state;
    type("abc\x02\x0c");
    assert_line("abc", 2);
}

/* What line_editor_draw() says is what stands there already. */
static void drawing_changes_nothing(void **state)
{
    char text[EDITOR_DRAWN_BYTES], row[ROW_BYTES + 1];
    size_t column;

    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        static const char *const keys[] = {"a",
                                           "b ",
                                           "=",
                                           "\x1b[D",
                                           "\x1b[C",
                                           "\x7f",
                                           "\x01",
                                           "\x05",
                                           "\x17",
                                           "\x1b[A",
                                           "\x1b[B",
                                           "xxxxxxxxxxxxxxxx",
                                           "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
                                           "\x1b[1;5D",
                                           "\x15",
                                           "\r"};

        const char *key = keys[(size_t)rand() % (sizeof keys / sizeof *keys - (round % 50 != 0) * 2)];
        if (type(key) != LINE_MORE)
            line_editor_start(&editor);
        memcpy(row, terminal.row, sizeof row);
        column = terminal.column;
        size_t length = line_editor_draw(&editor, text);
        assert_true(length <= EDITOR_DRAWN_BYTES);
        write_terminal(NULL, text, length);
        assert_memory_equal(row, terminal.row, ROW_BYTES);
        assert_int_equal(column, terminal.column);
        assert_true(terminal.column < EDITOR_COLUMNS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(typed_characters_appear, begin),
        cmocka_unit_test_setup(lines_end_in_either_way, begin),
        cmocka_unit_test_setup(the_cursor_moves, begin),
        cmocka_unit_test_setup(words_are_moved_over_and_deleted, begin),
        cmocka_unit_test_setup(characters_are_deleted, begin),
        cmocka_unit_test_setup(history_is_walked, begin),
        cmocka_unit_test_setup(history_forgets_the_oldest, begin),
        cmocka_unit_test_setup(a_word_is_completed, begin),
        cmocka_unit_test_setup(completion_in_the_middle_keeps_the_rest, begin),
        cmocka_unit_test_setup(long_lines_scroll_on_one_row, begin),
        cmocka_unit_test_setup(a_line_that_is_too_long_is_not_run, begin),
        cmocka_unit_test_setup(the_whole_line_is_left_behind, begin),
        cmocka_unit_test_setup(control_characters_are_dropped, begin),
        cmocka_unit_test_setup(control_c_gives_the_line_up, begin),
        cmocka_unit_test_setup(the_screen_is_cleared, begin),
        cmocka_unit_test_setup(drawing_changes_nothing, begin),
    };

    return cmocka_run_group_tests_name("line_editor", tests, NULL, NULL);
}
