/*
 * string.c - what the kernel, the loader and the monitor use of <string.h>, and what the compiler itself calls, in
 * modules as well.
 *
 * Words of eight bytes wherever there are as many: a repeated string instruction counts once for each element that it
 * moves, so `rep movsq` is the cheapest copy there is in instructions, and a good one on real processors. The direction
 * flag is clear in all kernel code (psABI 3.2.1). Any context; no state.
 */
#include <moult/module.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The compiler must not recognise the loops below as the very functions that they are the body of. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

#define WORD sizeof(uint64_t)
#define EVERY_BYTE 0x0101010101010101ul

/* A word of memory at any address and of any type. */
typedef uint64_t __attribute__((may_alias, aligned(1))) any_word;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *result = to;
    size_t count = bytes / WORD;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    count = bytes % WORD;
    if (count)
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    return result;
}
EXPORT_SYMBOL(memcpy);

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *target = to;
    const unsigned char *source = from;

    if ((uintptr_t)target - (uintptr_t)source >= bytes) /* forwards never overtakes what is still to be read */
        return memcpy(to, from, bytes);
    while (bytes >= WORD) {
        bytes -= WORD;
        *(any_word *)(target + bytes) = *(const any_word *)(source + bytes);
    }
    while (bytes) {
        bytes--;
        target[bytes] = source[bytes];
    }
    return to;
}
EXPORT_SYMBOL(memmove);

void *memset(void *to, int value, size_t bytes)
{
    void *result = to;
    uint64_t word = (unsigned char)value * EVERY_BYTE;
    size_t count = bytes / WORD;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(word) : "memory");
    count = bytes % WORD;
    if (count)
        __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(word) : "memory");
    return result;
}
EXPORT_SYMBOL(memset);

int memcmp(const void *left, const void *right, size_t bytes)
{
    const unsigned char *a = left, *b = right;

    for (; bytes >= WORD && *(const any_word *)a == *(const any_word *)b; bytes -= WORD) {
        a += WORD;
        b += WORD;
    }
    for (; bytes; bytes--, a++, b++) {
        if (*a != *b)
            return *a - *b;
    }
    return 0;
}
EXPORT_SYMBOL(memcmp);

void *memchr(const void *memory, int value, size_t bytes)
{
    const unsigned char *byte = memory;

    for (; bytes; bytes--, byte++) {
        if (*byte == (unsigned char)value)
            return (void *)byte;
    }
    return NULL;
}
EXPORT_SYMBOL(memchr);

/* Whether one of the eight bytes of a word is zero. */
static inline bool has_zero(uint64_t word)
{
    return ((word - EVERY_BYTE) & ~word & (EVERY_BYTE << 7)) != 0;
}

size_t strlen(const char *text)
{
    const char *end = text;

    for (; (uintptr_t)end % WORD; end++) {
        if (!*end)
            return (size_t)(end - text);
    }
    while (!has_zero(*(const any_word *)end)) /* an aligned word does not reach into the next page */
        end += WORD;
    while (*end)
        end++;
    return (size_t)(end - text);
}
EXPORT_SYMBOL(strlen);

size_t strnlen(const char *text, size_t limit)
{
    const char *end = memchr(text, 0, limit);

    return end ? (size_t)(end - text) : limit;
}
EXPORT_SYMBOL(strnlen);

int strcmp(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return (unsigned char)*left - (unsigned char)*right;
}
EXPORT_SYMBOL(strcmp);

int strncmp(const char *left, const char *right, size_t limit)
{
    for (; limit; limit--, left++, right++) {
        if (*left != *right || !*left)
            return (unsigned char)*left - (unsigned char)*right;
    }
    return 0;
}
EXPORT_SYMBOL(strncmp);

char *strchr(const char *text, int character)
{
    for (; *text != (char)character; text++) {
        if (!*text)
            return NULL;
    }
    return (char *)text;
}
EXPORT_SYMBOL(strchr);

char *strrchr(const char *text, int character)
{
    const char *last = NULL;

    do {
        if (*text == (char)character)
            last = text;
    } while (*text++);
    return (char *)last;
}
EXPORT_SYMBOL(strrchr);

size_t strspn(const char *text, const char *accepted)
{
    size_t length = 0;

    while (text[length] && strchr(accepted, text[length]))
        length++;
    return length;
}

size_t strcspn(const char *text, const char *refused)
{
    size_t length = 0;

    while (text[length] && !strchr(refused, text[length]))
        length++;
    return length;
}
