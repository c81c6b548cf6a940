/*
 * text.h - formatting and comparing text, freestanding and the same in the kernel, in host tools and in modules.
 */
#ifndef MOULT_TEXT_H
#define MOULT_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * As snprintf: writes at most `capacity` bytes, terminator included, and returns the length the whole text has. Knows
 * %d %i %u %x %X %c %s %p %%, the length modifiers h hh l ll z t j, width, precision, `0`, `-`, `+`, `#` and `*`. No
 * floating point. An unknown conversion is shown as it stands; %s of NULL gives "(null)". `buffer` may be NULL if
 * `capacity` is 0. Any context; takes no lock.
 */
__attribute__((format(printf, 3, 4))) size_t text_format(char *buffer, size_t capacity, const char *format, ...);
size_t text_format_list(char *buffer, size_t capacity, const char *format, va_list arguments);

/* Replaces every character of `text` that is not printable ASCII by `?`: for names that come from outside. */
void text_make_printable(char *text);

/*
 * Reads an unsigned number: decimal, or hexadecimal after `0x`. The whole text must be the number.
 * Returns false, leaving `value` alone, for anything else, an overflow included.
 */
bool text_to_number(const char *text, uint64_t *value);

#endif
