/*
 * text.c - formatting and reading text: text_format() and text_to_number().
 *
 * Pure and freestanding: the same in the kernel, in host tools, in tests and in modules. Any context; takes no lock.
 */
#include <moult/module.h>
#include <moult/text.h>

/* Where the text goes: what does not fit is counted, not written. */
struct output {
    char *buffer;
    size_t capacity;
    size_t length;
};

/* One conversion, as the format gives it. */
struct conversion {
    bool left;     /* `-`: pad on the right */
    bool zeros;    /* `0`: pad with zeros */
    bool plus;     /* `+`: a sign in any case */
    bool prefix;   /* `#`: 0x before a hexadecimal number other than 0 */
    int width;     /* 0: none */
    int precision; /* -1: none */
    int size;      /* bytes of the integer argument */
};

#define DIGITS_MAX 20 /* of 2^64 - 1 in decimal */

static void put(struct output *output, char character)
{
    if (output->length + 1 < output->capacity)
        output->buffer[output->length] = character;
    output->length++;
}

static void put_repeated(struct output *output, char character, long count)
{
    for (; count > 0; count--)
        put(output, character);
}

/* Writes `length` characters, padded with blanks to the width. */
static void put_padded(struct output *output, const struct conversion *how, const char *text, size_t length)
{
    long padding = (long)how->width - (long)length;

    if (!how->left)
        put_repeated(output, ' ', padding);
    for (size_t i = 0; i < length; i++)
        put(output, text[i]);
    if (how->left)
        put_repeated(output, ' ', padding);
}

static void put_text(struct output *output, const struct conversion *how, const char *text)
{
    size_t length = 0;

    if (!text)
        text = "(null)";
    while ((how->precision < 0 || length < (size_t)how->precision) && text[length])
        length++;
    put_padded(output, how, text, length);
}

/* Writes a number as `prefix` (a sign or "0x") and digits; the precision is the least number of digits. */
static void put_number(struct output *output, const struct conversion *how, const char *prefix, uint64_t value,
                       unsigned base, bool capitals)
{
    char digits[DIGITS_MAX];
    const char *alphabet = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
    int count = 0, prefix_length = 0, zeros;
    long padding;

    for (; value; value /= base)
        digits[count++] = alphabet[value % base];
    if (!count && how->precision)
        digits[count++] = '0';
    while (prefix[prefix_length])
        prefix_length++;
    zeros = how->precision > count ? how->precision - count : 0;
    padding = (long)how->width - prefix_length - zeros - count;
    if (how->zeros && !how->left && how->precision < 0 && padding > 0) {
        zeros = (int)padding;
        padding = 0;
    }
    if (!how->left)
        put_repeated(output, ' ', padding);
    for (int i = 0; i < prefix_length; i++)
        put(output, prefix[i]);
    put_repeated(output, '0', zeros);
    while (count)
        put(output, digits[--count]);
    if (how->left)
        put_repeated(output, ' ', padding);
}

/* Reads digits at `*format`, and stops at a million: no text is so wide. */
static int read_count(const char **format)
{
    int count = 0;

    for (; **format >= '0' && **format <= '9'; (*format)++) {
        if (count < 1000000)
            count = count * 10 + (**format - '0');
    }
    return count;
}

static void read_flags(const char **format, struct conversion *how)
{
    for (;; (*format)++) {
        if (**format == '-')
            how->left = true;
        else if (**format == '0')
            how->zeros = true;
        else if (**format == '+')
            how->plus = true;
        else if (**format == '#')
            how->prefix = true;
        else
            return;
    }
}

/* The length modifiers; anything longer than int is 8 bytes on this machine. */
static void read_size(const char **format, struct conversion *how)
{
    how->size = sizeof(int);
    if (**format == 'h') {
        how->size = *++*format == 'h' ? 1 : 2;
        if (how->size == 1)
            (*format)++;
        return;
    }
    while (**format == 'l' || **format == 'z' || **format == 't' || **format == 'j') {
        how->size = 8;
        (*format)++;
    }
}

static uint64_t unsigned_argument(const struct conversion *how, va_list *arguments)
{
    uint64_t value = how->size == 8 ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);

    if (how->size == 1)
        return (uint8_t)value;
    return how->size == 2 ? (uint16_t)value : value;
}

static int64_t signed_argument(const struct conversion *how, va_list *arguments)
{
    int64_t value = how->size == 8 ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);

    if (how->size == 1)
        return (int8_t)value;
    return how->size == 2 ? (int16_t)value : value;
}

/* Writes the conversion that `letter` asks for; an unknown one is shown as it stands. */
static void convert(struct output *output, const struct conversion *how, char letter, va_list *arguments)
{
    char character;
    int64_t number;
    uint64_t value;

    switch (letter) {
    case 'd':
    case 'i':
        number = signed_argument(how, arguments);
        put_number(output, how,
                   number < 0  ? "-"
                   : how->plus ? "+"
                               : "",
                   number < 0 ? -(uint64_t)number : (uint64_t)number, 10, false);
        break;
    case 'u':
        put_number(output, how, "", unsigned_argument(how, arguments), 10, false);
        break;
    case 'x':
    case 'X':
        value = unsigned_argument(how, arguments);
        put_number(output, how,
                   !how->prefix || value == 0 ? ""
                   : letter == 'X'            ? "0X"
                                              : "0x",
                   value, 16, letter == 'X');
        break;
    case 'p':
        put_number(output, how, "0x", (uint64_t)(uintptr_t)va_arg(*arguments, void *), 16, false);
        break;
    case 'c':
        character = (char)va_arg(*arguments, int);
        put_padded(output, how, &character, 1);
        break;
    case 's':
        put_text(output, how, va_arg(*arguments, const char *));
        break;
    case '%':
        put(output, '%');
        break;
    default:
        put(output, '%');
        put(output, letter);
    }
}

/* Reads one conversion after its `%` and writes it. Returns what follows it in the format. */
static const char *format_one(struct output *output, const char *format, va_list *arguments)
{
    struct conversion how = {.precision = -1};

    read_flags(&format, &how);
    if (*format == '*') {
        how.width = va_arg(*arguments, int);
        format++;
        if (how.width < 0) {
            how.left = true;
            how.width = how.width == -__INT_MAX__ - 1 ? 0 : -how.width;
        }
    } else {
        how.width = read_count(&format);
    }
    if (*format == '.') {
        format++;
        if (*format == '*') {
            how.precision = va_arg(*arguments, int);
            format++;
        } else {
            how.precision = read_count(&format);
        }
    }
    read_size(&format, &how);
    if (!*format)
        return format;
    convert(output, &how, *format, arguments);
    return format + 1;
}

size_t text_format_list(char *buffer, size_t capacity, const char *format, va_list arguments)
{
    struct output output = {.buffer = buffer, .capacity = capacity};
    va_list rest; /* a copy, because a parameter of that type may be a pointer in disguise */

    va_copy(rest, arguments);
    while (*format) {
        if (*format == '%')
            format = format_one(&output, format + 1, &rest);
        else
            put(&output, *format++);
    }
    va_end(rest);
    if (capacity)
        buffer[output.length < capacity ? output.length : capacity - 1] = 0;
    return output.length;
}
EXPORT_SYMBOL(text_format_list);

size_t text_format(char *buffer, size_t capacity, const char *format, ...)
{
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = text_format_list(buffer, capacity, format, arguments);
    va_end(arguments);
    return length;
}
EXPORT_SYMBOL(text_format);

void text_make_printable(char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

/* The value of a digit in `base`, or -1. */
static int digit_value(char character, unsigned base)
{
    int value = -1;

    if (character >= '0' && character <= '9')
        value = character - '0';
    else if (character >= 'a' && character <= 'f')
        value = character - 'a' + 10;
    else if (character >= 'A' && character <= 'F')
        value = character - 'A' + 10;
    return value < (int)base ? value : -1;
}

bool text_to_number(const char *text, uint64_t *value)
{
    unsigned base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    uint64_t number = 0;

    if (base == 16)
        text += 2;
    if (!*text)
        return false;
    for (; *text; text++) {
        int digit = digit_value(*text, base);

        if (digit < 0 || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, (unsigned)digit, &number))
            return false;
    }
    *value = number;
    return true;
}
EXPORT_SYMBOL(text_to_number);
