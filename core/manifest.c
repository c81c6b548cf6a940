/*
 * manifest.c - reads the list of digests of a boot archive.
 *
 * Pure: nothing is kept, any bytes may come. Entry points: manifest_valid(), manifest_find().
 */
#include "core/manifest.h"
#include <string.h>

#define FIRST_LINE "# moult manifest 1\n"
#define DIGITS (2 * DIGEST_BYTES)

bool manifest_valid(const char *text, size_t bytes)
{
    return bytes >= strlen(FIRST_LINE) && memcmp(text, FIRST_LINE, strlen(FIRST_LINE)) == 0;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_digest(const char *digits, uint8_t result[DIGEST_BYTES])
{
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = digit(digits[2 * i]), low = digit(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        result[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Is this line, without its newline, DIGITS digits, two spaces, and the name? */
static bool names(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    return length == DIGITS + 2 + name_length && line[DIGITS] == ' ' && line[DIGITS + 1] == ' ' &&
           memcmp(line + DIGITS + 2, name, name_length) == 0;
}

bool manifest_find(const char *text, size_t bytes, const char *name, uint8_t expected[DIGEST_BYTES])
{
    while (bytes > 0) {
        const char *newline = memchr(text, '\n', bytes);
        size_t length = newline ? (size_t)(newline - text) : bytes;
        if (names(text, length, name))
            return read_digest(text, expected);
        length += newline != NULL;
        text += length;
        bytes -= length;
    }
    return false;
}
