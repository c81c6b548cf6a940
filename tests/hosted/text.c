/* sources: core/text.c core/errors.c */
/*
 * text.c - formatting against the C library's, reading numbers, and the recording of failures.
 */
#include <inttypes.h>
#include <moult/errors.h>
#include <moult/text.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#undef fail /* cmocka has a macro of that name */

/* Both write the same and return the same, with room and cut off. */
#define SAME(...)                                                              \
    do {                                                                       \
        char ours[256], theirs[256];                                           \
        int length = snprintf(theirs, sizeof theirs, __VA_ARGS__);             \
        assert_int_equal(text_format(ours, sizeof ours, __VA_ARGS__), length); \
        assert_string_equal(ours, theirs);                                     \
        theirs[4] = 0;                                                         \
        assert_int_equal(text_format(ours, 5, __VA_ARGS__), length);           \
        assert_string_equal(ours, theirs);                                     \
        assert_int_equal(text_format(NULL, 0, __VA_ARGS__), length);           \
    } while (0)

static void integers(void **state)
{
    (void)state;
    SAME("%d %i %u", -17, 42, 42u);
    SAME("%d %d", INT32_MIN, INT32_MAX);
    SAME("%" PRId64 " %" PRId64, INT64_MIN, INT64_MAX);
    SAME("%" PRIu64 " %" PRIx64 " %" PRIX64, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    SAME("%hd %hu %hx", (short)-3, (unsigned short)65535, (unsigned short)0xabc);
    SAME("%hhd %hhu %hhx", (signed char)-3, (unsigned char)255, (unsigned char)0xab);
    SAME("%ld %lu %lld %llx %zu %zx %td %jd", -1l, 1ul, -1ll, 0xfeedull, (size_t)7, (size_t)9, (ptrdiff_t)-2,
         (intmax_t)3);
    SAME("%x %X %x", 0xbeefu, 0xbeefu, 0u);
    SAME("%#x %#X %#x %#018lx [%#8x] [%-#8x]", 0xbeefu, 0xbeefu, 0u, 0xfeedul, 0x12u, 0x12u);
}

static void width_and_precision(void **state)
{
    (void)state;
    SAME("[%5d] [%-5d] [%05d] [%+d] [%+5d] [%-+5d]", 42, 42, 42, 42, 42, 42);
    SAME("[%5d] [%05d] [%-5d]", -42, -42, -42);
    SAME("[%016" PRIx64 "] [%2x] [%8.3u] [%.8x] [%.0d]", (uint64_t)0xabcdef, 0x12345u, 7u, 0x12u, 0);
    SAME("[%*d] [%-*d] [%*d]", 6, 1, 6, 2, -6, 3);
    SAME("[%.*d] [%0*d]", 4, 5, 8, 6);
    SAME("[%10s] [%-10s] [%.2s] [%5.1s] [%.*s]", "text", "text", "text", "text", 3, "textual");
    SAME("[%c] [%3c] [%-3c]", 'a', 'b', 'c');
    SAME("100%% [%s]", "");
    SAME("%p", (void *)(uintptr_t)0xdeadbeef);
}

static void what_printf_leaves_open(void **state)
{
    char text[32];
    const char *unknown = "a %y b %"; /* not a literal: the compiler knows better */
    const char *volatile nothing = NULL;

    (void)state;
    text_format(text, sizeof text, "%s %p", nothing, NULL);
    assert_string_equal(text, "(null) 0x0");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    text_format(text, sizeof text, unknown);
#pragma GCC diagnostic pop
    assert_string_equal(text, "a %y b ");
}

static void capacity(void **state)
{
    char text[4] = "abc";

    (void)state;
    assert_int_equal(text_format(text, 0, "xyz"), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(text_format(text, 1, "xyz"), 3);
    assert_string_equal(text, "");
    assert_int_equal(text_format(text, 4, "xyzw"), 4);
    assert_string_equal(text, "xyz");
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},
                {"18446744073709551615", UINT64_MAX},
                {"0xffffffffffffffff", UINT64_MAX},
                {"0XaBcD", 0xabcd},
                {"007", 7}};
    static const char *const bad[] = {
        "",     "0x",  "-1", "+1", " 1", "1 ", "18446744073709551616", "0x10000000000000000",
        "12ab", "0xg", "1.", "a",  "x1"};
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        value = 99;
        assert_true(text_to_number(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = 99;
        assert_false(text_to_number(bad[i], &value));
        assert_int_equal(value, 99);
    }
}

static void failures(void **state)
{
    struct failure why = {0};
    char long_name[FAILURE_SENTENCE + 100];

    (void)state;
    assert_int_equal(fail(&why, -ENOENT, "no %s at %d", "thing", 7), -ENOENT);
    assert_int_equal(why.code, -ENOENT);
    assert_string_equal(why.sentence, "no thing at 7");
    assert_int_equal(fail(NULL, -EINVAL, "nobody asks"), -EINVAL);
    fail(&why, -EINVAL, "'%s'", "a\x1b[2J\n\xff");
    assert_string_equal(why.sentence, "'a?[2J?"
                                      "?'");
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    fail(&why, -E2BIG, "%s", long_name);
    assert_int_equal(strlen(why.sentence), FAILURE_SENTENCE - 1);
}

static void names_of_errors(void **state)
{
    (void)state;
#define X(name, number, sentence)                             \
    assert_string_equal(error_name(-(number)), #name);        \
    assert_string_equal(error_sentence(-(number)), sentence); \
    assert_int_equal(name, number);
    MOULT_ERRORS(X)
#undef X
    assert_string_equal(error_name(-9999), "E?");
    assert_true(strlen(error_sentence(-9999)) > 10);
    assert_string_equal(error_name(0), "OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(width_and_precision),
        cmocka_unit_test(what_printf_leaves_open),
        cmocka_unit_test(capacity),
        cmocka_unit_test(numbers),
        cmocka_unit_test(failures),
        cmocka_unit_test(names_of_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
