/*
 * arguments.c - the parser of command lines.
 *
 * One pass, one character at a time; words are copied without their quotes into `text`, which cannot overflow: no word
 * is longer than what it was written as, and its terminator takes the place of the blank after it.
 *
 * Entry points: arguments_parse(), arguments_value(), arguments_word(). Pure.
 */
#include "core/monitor/arguments.h"
#include <string.h>

/* A line being read. */
struct scanner {
    const char *next, *end; /* what is still to be read */
    char *out;              /* where the next character of a word goes */
};

/* A word being read. */
struct word {
    char *text;
    char *equals; /* the first = that was not quoted */
    bool quoted;  /* some part of it was */
};

static bool blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

static int refuse_control(char character, struct failure *why)
{
    return fail(why, -EINVAL, "there is a control character (code %u) on the line; type it again without",
                (unsigned char)character);
}

static bool control(char character)
{
    return ((unsigned char)character < ' ' && !blank(character)) || character == 127;
}

/* The part of a word that began with the quote just read. */
static int scan_quoted(struct scanner *scanner, char quote, struct failure *why)
{
    while (scanner->next < scanner->end && *scanner->next != quote) {
        if (*scanner->next == '\\' && quote == '"' && scanner->next + 1 < scanner->end)
            scanner->next++;
        if (control(*scanner->next))
            return refuse_control(*scanner->next, why);
        *scanner->out++ = *scanner->next++;
    }
    if (scanner->next == scanner->end)
        return fail(why, -EINVAL,
                    "a quotation that begins with %c has no end; close it, or write \\%c for the character itself",
                    quote, quote);
    scanner->next++;
    return 0;
}

/* One word, up to a blank or the end of the line. */
static int scan_word(struct scanner *scanner, struct word *word, struct failure *why)
{
    *word = (struct word){.text = scanner->out};
    while (scanner->next < scanner->end && !blank(*scanner->next)) {
        char character = *scanner->next++;
        int error = 0;

        if (character == '\'' || character == '"') {
            word->quoted = true;
            error = scan_quoted(scanner, character, why);
        } else if (control(character)) {
            error = refuse_control(character, why);
        } else {
            if (character == '\\' && scanner->next < scanner->end && !control(*scanner->next)) {
                character = *scanner->next++;
                word->quoted = true;
            } else if (character == '=' && !word->equals && !word->quoted) {
                word->equals = scanner->out;
            }
            *scanner->out++ = character;
        }
        if (error)
            return error;
    }
    *scanner->out++ = 0;
    return 0;
}

/* Adds a word that was read to the list. */
static int add_word(struct arguments *arguments, const struct word *word, struct failure *why)
{
    if (arguments->count && !word->quoted && !strcmp(word->text, "-j")) {
        arguments->json = true;
        return 0;
    }
    if (arguments->count == ARGUMENTS_MAX)
        return fail(why, -E2BIG, "there are more than %u words on the line", ARGUMENTS_MAX);

    struct argument *argument = &arguments->words[arguments->count];
    *argument = (struct argument){.text = word->text};
    if (word->equals && arguments->count) {
        if (word->equals == word->text)
            return fail(why, -EINVAL, "there is no key before '%s'; a pair is key=value", word->text);
        *word->equals = 0;
        argument->value = word->equals + 1;
    }
    arguments->count++;
    return 0;
}

/* Does `-j` stand on a line that cannot be understood? Then the error is to be JSON. */
static bool has_option(const char *line, size_t length)
{
    for (size_t i = 1; i + 2 <= length; i++) {
        if (blank(line[i - 1]) && !memcmp(line + i, "-j", 2) && (i + 2 == length || blank(line[i + 2])))
            return true;
    }
    return false;
}

int arguments_parse(struct arguments *arguments, const char *line, size_t length, struct failure *why)
{
    struct scanner scanner = {.next = line, .end = line + length, .out = arguments->text};
    struct word word;
    int error = 0;

    arguments->count = 0;
    arguments->json = false;
    if (length > LINE_LENGTH_MAX)
        return fail(why, -E2BIG, "the line has more than %u characters; shorten it", LINE_LENGTH_MAX);

    while (!error) {
        while (scanner.next < scanner.end && blank(*scanner.next))
            scanner.next++;
        if (scanner.next == scanner.end || *scanner.next == '#')
            break;
        error = scan_word(&scanner, &word, why);
        if (!error)
            error = add_word(arguments, &word, why);
    }
    if (error && has_option(line, length))
        arguments->json = true;
    return error;
}

const char *arguments_value(const struct arguments *arguments, const char *key)
{
    for (unsigned i = 0; i < arguments->count; i++) {
        if (arguments->words[i].value && !strcmp(arguments->words[i].text, key))
            return arguments->words[i].value;
    }
    return NULL;
}

const char *arguments_word(const struct arguments *arguments, unsigned index)
{
    for (unsigned i = 0; i < arguments->count; i++) {
        if (!arguments->words[i].value && !index--)
            return arguments->words[i].text;
    }
    return NULL;
}
