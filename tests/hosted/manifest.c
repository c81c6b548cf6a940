/* sources: core/manifest.c */
/*
 * manifest.c - looking names up in lists of digests, whole and spoilt.
 */
#include "core/manifest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DIGITS_1 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGITS_2 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00"
#define FIRST "# moult manifest 1\n"

/* Looks `name` up in a copy that ends where its memory ends. Returns the digest's last byte, or -1. */
static int find(const char *text, const char *name)
{
    uint8_t found[DIGEST_BYTES];
    size_t bytes = strlen(text);
    char *copy = malloc(bytes + !bytes);
    bool there;

    assert_non_null(copy);
    memcpy(copy, text, bytes);
    there = manifest_find(copy, bytes, name, found);
    free(copy);
    return there ? found[DIGEST_BYTES - 1] : -1;
}

static void names(void **state)
{
    const char *text = FIRST DIGITS_1 "  a.o\n" DIGITS_2 "  long-name.o\n" DIGITS_1 "  last.o";

    (void)state;
    assert_int_equal(find(text, "a.o"), 0xef);
    assert_int_equal(find(text, "long-name.o"), 0);
    assert_int_equal(find(text, "last.o"), 0xef);
    for (const char *const *name = (const char *const[]){"b.o", ".o", "a.", "a.o ", "name.o", "", NULL}; *name; name++)
        assert_int_equal(find(text, *name), -1);
}

static void digits(void **state)
{
    static const uint8_t expected[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    uint8_t found[DIGEST_BYTES];

    (void)state;
    assert_true(manifest_find(DIGITS_1 "  a.o\n", sizeof DIGITS_1 + 5, "a.o", found));
    for (unsigned i = 0; i < DIGEST_BYTES; i++)
        assert_int_equal(found[i], expected[i % 8]);
}

static void spoilt(void **state)
{
    (void)state;
    assert_int_equal(find("", "a.o"), -1);
    assert_int_equal(find("\n\n\n", "a.o"), -1);
    assert_int_equal(find("0123  a.o\n", "a.o"), -1);
    assert_int_equal(find(DIGITS_1 " *a.o\n", "a.o"), -1);
    assert_int_equal(find(DIGITS_1 "  a.o\r\n", "a.o"), -1);
    assert_int_equal(find("G123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  a.o\n", "a.o"), -1);
    assert_int_equal(find("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef  a.o\n", "a.o"), -1);
}

static void the_first_counts(void **state)
{
    (void)state;
    assert_int_equal(find(DIGITS_2 "  a.o\n" DIGITS_1 "  a.o\n", "a.o"), 0);
}

static void first_line(void **state)
{
    (void)state;
    assert_true(manifest_valid(FIRST, strlen(FIRST)));
    assert_true(manifest_valid(FIRST DIGITS_1 "  a.o\n", strlen(FIRST DIGITS_1 "  a.o\n")));
    assert_false(manifest_valid(FIRST, strlen(FIRST) - 1));
    assert_false(manifest_valid("# moult manifest 2\n", strlen(FIRST)));
    assert_false(manifest_valid("\x7f"
                                "ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\76\0",
                                20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),      cmocka_unit_test(digits),
        cmocka_unit_test(spoilt),     cmocka_unit_test(the_first_counts),
        cmocka_unit_test(first_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
