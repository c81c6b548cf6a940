/*
 * arguments.h - a command line cut into words, `key=value` pairs and the option `-j`.
 */
#ifndef CORE_MONITOR_ARGUMENTS_H
#define CORE_MONITOR_ARGUMENTS_H

#include <moult/errors.h>
#include <stdbool.h>
#include <stddef.h>

#define LINE_LENGTH_MAX 1023 /* characters of a line, at the prompt and in a boot script */
#define ARGUMENTS_MAX 32     /* words, the command included */

struct argument {
    const char *text;  /* the word, or the key of a pair */
    const char *value; /* of a pair `key=value`; NULL: a plain word */
};

struct arguments {
    unsigned count; /* words, the command included and `-j` not; 0: there is nothing on the line */
    bool json;      /* `-j` was among the words after the command */
    struct argument words[ARGUMENTS_MAX];
    char text[LINE_LENGTH_MAX + 1]; /* what `words` points into */
};

/*
 * Cuts `length` bytes at blanks. '…' keeps everything, "…" and what is outside let \ take the next character as it is;
 * what is quoted is never `-j`, a pair or a comment. # at the start of a word: the rest is a comment. Pure; any
 * context. Returns 0; -E2BIG too long or too many words; -EINVAL a quote without its end, a control character, a pair
 * without a key. What was understood up to there is in `arguments` even then.
 */
int arguments_parse(struct arguments *arguments, const char *line, size_t length, struct failure *why);

/* The value of the first pair with that key; NULL: there is none. */
const char *arguments_value(const struct arguments *arguments, const char *key);

/* Plain word number `index` (0: the command), pairs not counted; NULL: no more. */
const char *arguments_word(const struct arguments *arguments, unsigned index);

#endif
