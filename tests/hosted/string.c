/*
 * string.c - the kernel's <string.h> against definitions that are plain loops.
 *
 * The functions are tried at every alignment, and at the end of a page behind which nothing is mapped.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define memcpy kernel_memcpy
#define memmove kernel_memmove
#define memset kernel_memset
#define memcmp kernel_memcmp
#define memchr kernel_memchr
#define strlen kernel_strlen
#define strnlen kernel_strnlen
#define strcmp kernel_strcmp
#define strncmp kernel_strncmp
#define strchr kernel_strchr
#define strrchr kernel_strrchr
#include "core/string.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE 4096
#define LONGEST 70

static unsigned char *page; /* behind it is a page that may not be touched */

static void fill(unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)rand();
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void test_memcpy_and_memmove(void **unused)
{
    (void)unused;
    unsigned char before[3 * LONGEST], expected[3 * LONGEST];

    for (size_t length = 0; length <= LONGEST; length++) {
        for (size_t from = 0; from < 2 * LONGEST; from += 1 + length / 16) {
            for (size_t to = 0; to < 2 * LONGEST; to += 1 + length / 16) {
                unsigned char *area = page + PAGE - sizeof before;
                fill(before, sizeof before);
                for (size_t i = 0; i < sizeof before; i++)
                    expected[i] = area[i] = before[i];
                for (size_t i = 0; i < length; i++)
                    expected[to + i] = before[from + i];
                bool apart = to >= from + length || from >= to + length;
                void *result = apart && rand() % 2 ? memcpy(area + to, area + from, length)
                                                   : memmove(area + to, area + from, length);
                assert_ptr_equal(result, area + to);
                assert_memory_equal(area, expected, sizeof expected);
            }
        }
    }
}

static void test_memset(void **unused)
{
    (void)unused;
    for (size_t length = 0; length <= LONGEST; length++) {
        for (size_t at = 0; at < 16; at++) {
            unsigned char *area = page + PAGE - LONGEST - 16;
            fill(area, LONGEST + 16);
            unsigned char behind = area[at + length];
            assert_ptr_equal(memset(area + at, 0x1a5, length), area + at);
            for (size_t i = 0; i < length; i++)
                assert_int_equal(area[at + i], 0xa5);
            assert_int_equal(area[at + length], behind);
        }
    }
}

static void test_memcmp(void **unused)
{
    (void)unused;
    unsigned char other[LONGEST];

    for (size_t length = 0; length <= LONGEST; length++) {
        unsigned char *area = page + PAGE - length;
        fill(area, length);
        for (size_t i = 0; i < length; i++)
            other[i] = area[i];
        assert_int_equal(memcmp(area, other, length), 0);
        for (size_t i = 0; i < length; i++) {
            other[i] ^= (unsigned char)(1 + rand() % 255);
            assert_int_equal(sign(memcmp(area, other, length)), area[i] > other[i] ? 1 : -1);
            assert_int_equal(sign(memcmp(other, area, length)), area[i] > other[i] ? -1 : 1);
            other[i] = area[i];
        }
    }
}

static void test_memchr(void **unused)
{
    (void)unused;
    unsigned char *area = page + PAGE - LONGEST;

    for (size_t i = 0; i < LONGEST; i++)
        area[i] = (unsigned char)(i + 100);
    for (size_t i = 0; i < LONGEST; i++) {
        assert_ptr_equal(memchr(area, (int)(i + 100) + 512, LONGEST), area + i);
        assert_null(memchr(area, (int)i + 100, i));
    }
    assert_null(memchr(area, 99, LONGEST));
}

/* Puts a text of `length` letters, all of them from few, at the very end of the page. */
static char *text_at_end(size_t length)
{
    char *text = (char *)page + PAGE - 1 - length;

    for (size_t i = 0; i < length; i++)
        text[i] = (char)(rand() % 3 ? 'a' + rand() % 3 : 0x80 + rand() % 3);
    text[length] = 0;
    return text;
}

static void test_lengths(void **unused)
{
    (void)unused;
    for (size_t length = 0; length <= LONGEST; length++) {
        char *text = text_at_end(length);
        assert_int_equal(strlen(text), length);
        for (size_t limit = 0; limit <= LONGEST + 2; limit++)
            assert_int_equal(strnlen(text, limit), limit < length ? limit : length);
        memmove(text - length % 9, text, length + 1); /* at other alignments, with something behind it */
        assert_int_equal(strlen(text - length % 9), length);
        page[PAGE - 1] = 'x';
        assert_int_equal(strnlen((char *)page + PAGE - 1, 1), 1); /* no terminator, and none is looked for */
    }
}

static void test_strcmp_and_strncmp(void **unused)
{
    (void)unused;
    char other[LONGEST + 1];

    for (int round = 0; round < 3000; round++) {
        size_t length = (size_t)rand() % 8, other_length = (size_t)rand() % 8, same = 0;
        char *text = text_at_end(other_length);
        for (size_t i = 0; i <= other_length; i++)
            other[i] = text[i];
        text = text_at_end(length);
        while (same < length && text[same] == other[same])
            same++;
        int expected = sign((unsigned char)text[same] - (unsigned char)other[same]);
        assert_int_equal(sign(strcmp(text, other)), expected);
        for (size_t limit = 0; limit < 10; limit++)
            assert_int_equal(sign(strncmp(text, other, limit)), limit <= same ? 0 : expected);
    }
}

static void test_strchr_and_strrchr(void **unused)
{
    (void)unused;
    for (int round = 0; round < 2000; round++) {
        size_t length = (size_t)rand() % 12;
        char *text = text_at_end(length), *first = NULL, *last = NULL;
        char wanted = (char)(rand() % 4 ? 'a' + rand() % 3 : 0x80);
        for (size_t i = 0; i < length; i++) {
            if (text[i] == wanted) {
                first = first ? first : text + i;
                last = text + i;
            }
        }
        assert_ptr_equal(strchr(text, wanted), first);
        assert_ptr_equal(strrchr(text, wanted), last);
        assert_ptr_equal(strchr(text, 0), text + length);
        assert_ptr_equal(strrchr(text, 0), text + length);
    }
}

static int start(void **unused)
{
    (void)unused;
    page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED || mprotect(page + PAGE, PAGE, PROT_NONE) ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy_and_memmove),
        cmocka_unit_test(test_memset),
        cmocka_unit_test(test_memcmp),
        cmocka_unit_test(test_memchr),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_strcmp_and_strncmp),
        cmocka_unit_test(test_strchr_and_strrchr),
    };
    return cmocka_run_group_tests_name("string", tests, start, NULL);
}
