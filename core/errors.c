/*
 * errors.c - names and sentences of the error codes, and the recording of a failure.
 *
 * Pure and freestanding: the same in the kernel, in host tools and in tests. Any context; takes no lock.
 */
#include <moult/errors.h>
#include <moult/module.h>
#include <moult/text.h>

int fail(struct failure *why, int code, const char *format, ...)
{
    va_list arguments;

    if (!why)
        return code;
    why->code = code;
    va_start(arguments, format);
    text_format_list(why->sentence, sizeof why->sentence, format, arguments);
    va_end(arguments);
    text_make_printable(why->sentence); /* names in it may come from a damaged file */
    return code;
}
EXPORT_SYMBOL(fail);

const char *error_name(int code)
{
    switch (-code) {
    case OK:
        return "OK";
#define X(name, number, sentence) \
    case number:                  \
        return #name;
        MOULT_ERRORS(X)
#undef X
    default:
        return "E?";
    }
}
EXPORT_SYMBOL(error_name);

const char *error_sentence(int code)
{
    switch (-code) {
    case OK:
        return "nothing went wrong";
#define X(name, number, sentence) \
    case number:                  \
        return sentence;
        MOULT_ERRORS(X)
#undef X
    default:
        return "something went wrong that has no name";
    }
}
EXPORT_SYMBOL(error_sentence);
