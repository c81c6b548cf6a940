/* sources: core/monitor/arguments.c core/text.c core/errors.c */
/*
 * arguments.c - the parser of command lines: words, quotes, pairs, -j, and what it refuses.
 */
#include "core/monitor/arguments.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arguments arguments;
static struct failure why;

static int parse(const char *line)
{
    memset(&why, 0, sizeof why);
    return arguments_parse(&arguments, line, strlen(line), &why);
}

static void words_are_cut_at_blanks(void **state)
{
    (void)state;
    assert_int_equal(parse("  swap\tsched   sched-rr \r\n"), 0);
    assert_int_equal(arguments.count, 3);
    assert_string_equal(arguments_word(&arguments, 0), "swap");
    assert_string_equal(arguments_word(&arguments, 1), "sched");
    assert_string_equal(arguments_word(&arguments, 2), "sched-rr");
    assert_null(arguments_word(&arguments, 3));
    assert_false(arguments.json);
}

static void nothing_is_no_word(void **state)
{
    static const char *const lines[] = {"", " ", "\t \r\n", "# swap sched", "   # -j"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(parse(lines[i]), 0);
        assert_int_equal(arguments.count, 0);
    }
}

static void a_comment_begins_a_word(void **state)
{
    (void)state;
    assert_int_equal(parse("log a#b # -j c"), 0);
    assert_int_equal(arguments.count, 2);
    assert_string_equal(arguments_word(&arguments, 1), "a#b");
    assert_false(arguments.json);
}

static void json_is_asked_anywhere_after_the_command(void **state)
{
    static const char *const yes[] = {"ps -j", "swap -j sched sched-rr", "set 4 weight=3 -j", "ps -j -j"};
    static const char *const no[] = {"ps", "-j ps", "ps '-j'", "ps \\-j", "ps -jj", "ps x=-j"};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        assert_int_equal(parse(yes[i]), 0);
        assert_true(arguments.json);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        assert_int_equal(parse(no[i]), 0);
        assert_false(arguments.json);
    }
    parse("swap -j sched x");
    assert_int_equal(arguments.count, 3);
}

static void pairs_have_keys_and_values(void **state)
{
    (void)state;
    assert_int_equal(parse("spawn spin weight=300 4 name='a b' note= eq=a=b"), 0);
    assert_string_equal(arguments_value(&arguments, "weight"), "300");
    assert_string_equal(arguments_value(&arguments, "name"), "a b");
    assert_string_equal(arguments_value(&arguments, "note"), "");
    assert_string_equal(arguments_value(&arguments, "eq"), "a=b");
    assert_null(arguments_value(&arguments, "spin"));
    assert_string_equal(arguments_word(&arguments, 1), "spin");
    assert_string_equal(arguments_word(&arguments, 2), "4");
    assert_null(arguments_word(&arguments, 3));
}

static void quotes_keep_characters(void **state)
{
    (void)state;
    assert_int_equal(parse("sym 'a  \"b' \"c '\\\"\\\\d\" e\\ f '' x\"y\"'z' 'k=v'"), 0);
    assert_string_equal(arguments_word(&arguments, 1), "a  \"b");
    assert_string_equal(arguments_word(&arguments, 2), "c '\"\\d");
    assert_string_equal(arguments_word(&arguments, 3), "e f");
    assert_string_equal(arguments_word(&arguments, 4), "");
    assert_string_equal(arguments_word(&arguments, 5), "xyz");
    assert_string_equal(arguments_word(&arguments, 6), "k=v");
}

static void what_is_wrong_is_refused(void **state)
{
    static const char *const lines[] = {"sym 'a",     "sym \"a",  "sym \"a\\\"", "sym a\x01",
                                        "sym '\x7f'", "set 1 =3", "\x1b[A"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(parse(lines[i]), -EINVAL);
        assert_int_equal(why.code, -EINVAL);
        assert_true(strlen(why.sentence) > 10);
    }
    assert_int_equal(parse("swap -j sched 'x"), -EINVAL);
    assert_string_equal(arguments_word(&arguments, 0), "swap"); /* for the error's own form */
    assert_true(arguments.json);
    assert_int_equal(parse("swap \"sched -j"), -EINVAL);
    assert_true(arguments.json);
    assert_int_equal(parse("swap \"sched -jx"), -EINVAL);
    assert_false(arguments.json);
}

static void a_nul_is_a_control_character(void **state)
{
    (void)state;
    assert_int_equal(arguments_parse(&arguments, "ps\0-j", 5, &why), -EINVAL);
}

static void limits_hold(void **state)
{
    char line[LINE_LENGTH_MAX + 2];

    (void)state;
    memset(line, 'x', sizeof line);
    assert_int_equal(arguments_parse(&arguments, line, LINE_LENGTH_MAX, &why), 0);
    assert_int_equal(strlen(arguments_word(&arguments, 0)), LINE_LENGTH_MAX);
    assert_int_equal(arguments_parse(&arguments, line, LINE_LENGTH_MAX + 1, &why), -E2BIG);
    for (size_t i = 1; i < sizeof line; i += 2)
        line[i] = ' ';
    assert_int_equal(arguments_parse(&arguments, line, 2 * ARGUMENTS_MAX, &why), 0);
    assert_int_equal(arguments.count, ARGUMENTS_MAX);
    assert_int_equal(arguments_parse(&arguments, line, 2 * ARGUMENTS_MAX + 1, &why), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_at_blanks),
        cmocka_unit_test(nothing_is_no_word),
        cmocka_unit_test(a_comment_begins_a_word),
        cmocka_unit_test(json_is_asked_anywhere_after_the_command),
        cmocka_unit_test(pairs_have_keys_and_values),
        cmocka_unit_test(quotes_keep_characters),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_nul_is_a_control_character),
        cmocka_unit_test(limits_hold),
    };

    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
