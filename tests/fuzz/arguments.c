/* sources: core/monitor/arguments.c core/text.c core/errors.c */
/*
 * arguments.c - any bytes as a command line: words that are whole, or an error that says why.
 */
#include "core/monitor/arguments.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const struct arguments *arguments)
{
    const char *end = arguments->text + sizeof arguments->text;

    MUST(arguments->count <= ARGUMENTS_MAX);
    for (unsigned i = 0; i < arguments->count; i++) {
        const struct argument *word = &arguments->words[i];

        MUST(word->text >= arguments->text && memchr(word->text, 0, (size_t)(end - word->text)));
        if (word->value)
            MUST(i && *word->text && word->value > word->text && memchr(word->value, 0, (size_t)(end - word->value)));
        for (const char *c = word->text; *c; c++)
            MUST((unsigned char)*c >= ' ' || strchr("\t\r\n", *c));
    }
}

static void parse(const char *line, size_t size)
{
    static struct arguments arguments;
    static struct failure why;

    why.code = 0;
    why.sentence[0] = 0;
    int error = arguments_parse(&arguments, line, size, &why);
    MUST(error == 0 || error == -EINVAL || error == -E2BIG);
    MUST(error == why.code && !error == !why.sentence[0]);
    check_words(&arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse((const char *)data, size);
    return 0;
}
