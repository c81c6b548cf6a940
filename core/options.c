/*
 * options.c - the kernel's command line, cut into words once.
 *
 * Entry points: options_init() at boot, then option_text() and option_number() from any context: nothing changes any
 * more.
 */
#include "core/options.h"
#include <moult/text.h>
#include <stddef.h>
#include <string.h>

#define LINE_BYTES 1024
#define WORDS_MAX 64

static struct {
    char line[LINE_BYTES]; /* words end in NUL; what does not fit is left out */
    const char *words[WORDS_MAX];
    unsigned count;
} options;

void options_init(const char *line)
{
    size_t length = strnlen(line, LINE_BYTES - 1);
    bool inside = false;

    options.count = 0;
    for (size_t i = 0; i < length; i++) {
        bool blank = line[i] == ' ' || line[i] == '\t';

        options.line[i] = blank ? 0 : line[i];
        if (!blank && !inside) {
            if (options.count == WORDS_MAX)
                break;
            options.words[options.count++] = &options.line[i];
        }
        inside = !blank;
    }
}

const char *option_text(const char *key)
{
    size_t length = strlen(key);

    for (unsigned i = 0; i < options.count; i++) {
        const char *word = options.words[i];

        if (strncmp(word, key, length))
            continue;
        if (word[length] == '=')
            return word + length + 1;
        if (!word[length])
            return word + length;
    }
    return NULL;
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
    const char *text = option_text(key);
    uint64_t value;

    return text && text_to_number(text, &value) ? value : otherwise;
}
