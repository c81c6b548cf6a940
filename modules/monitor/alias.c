/*
 * alias.c - the module monitor-alias: `NAME := WORDS` makes NAME, as the first word of a line, stand for WORDS;
 * `NAME :=` ends that.
 *
 * The aliases are what it hands over: a successor that does not know them leaves them with the core. Context and locks:
 * as in monitor.h.
 */
#include <moult/module.h>
#include <moult/monitor.h>

struct monitor_state {
    struct monitor_alias aliases[MONITOR_ALIASES];
};

/* Part of a line. */
struct words {
    const char *text;
    size_t length;
};

static void alias_load(struct monitor_state *state, const struct monitor_record *record)
{
    if (record->fields & MONITOR_HAS_ALIASES)
        __builtin_memcpy(state->aliases, record->aliases, sizeof(state->aliases));
}

static size_t alias_save(const struct monitor_state *state, struct monitor_record *record)
{
    record->fields = MONITOR_HAS_ALIASES;
    __builtin_memcpy(record->aliases, state->aliases, sizeof(record->aliases));
    return sizeof(*record);
}

static struct words trim(struct words words)
{
    while (words.length > 0 && *words.text == ' ')
        words = (struct words){words.text + 1, words.length - 1};
    while (words.length > 0 && words.text[words.length - 1] == ' ')
        words.length--;
    return words;
}

/* Takes the first word off. */
static struct words take_word(struct words *words)
{
    struct words word;

    *words = trim(*words);
    word = *words;
    for (word.length = 0; word.length < words->length && words->text[word.length] != ' ';)
        word.length++;
    *words = trim((struct words){words->text + word.length, words->length - word.length});
    return word;
}

static void copy(char *to, struct words words)
{
    __builtin_memcpy(to, words.text, words.length);
    to[words.length] = 0;
}

/* The alias of that name; NULL: none. The empty name finds a free one. */
static struct monitor_alias *find(struct monitor_state *state, struct words name)
{
    for (unsigned i = 0; i < MONITOR_ALIASES; i++) {
        struct monitor_alias *alias = &state->aliases[i];

        if (__builtin_strlen(alias->name) == name.length && !__builtin_memcmp(alias->name, name.text, name.length))
            return alias;
    }
    return (void *)0;
}

static int define(struct monitor_state *state, struct words name, struct words words)
{
    struct monitor_alias *alias = find(state, name);

    if (name.length >= MONITOR_ALIAS_NAME_BYTES)
        return monitor_refuse("an alias has at most 15 characters in its name");
    if (words.length >= MONITOR_ALIAS_WORDS_BYTES)
        return monitor_refuse("an alias stands for at most 111 characters");
    if (!alias && words.length > 0)
        alias = find(state, (struct words){"", 0});
    if (!alias)
        return monitor_refuse(words.length > 0 ? "there are 8 aliases already; `NAME :=` ends one"
                                               : "there is no such alias");
    copy(alias->name, words.length > 0 ? name : (struct words){"", 0});
    copy(alias->words, words);
    return MONITOR_READ;
}

static int alias_read(struct monitor_state *state, const char *line, size_t length)
{
    static char command[MONITOR_LINE_MAX + 1];
    struct words rest = {line, length}, name = take_word(&rest), after = rest, sign = take_word(&after);
    const struct monitor_alias *alias;
    size_t words;

    if (sign.length == 2 && sign.text[0] == ':' && sign.text[1] == '=')
        return define(state, name, after);
    alias = name.length > 0 ? find(state, name) : (void *)0;
    if (!alias) {
        monitor_give(line, length);
        return MONITOR_READ;
    }
    words = __builtin_strlen(alias->words);
    if (words + 1 + rest.length > MONITOR_LINE_MAX)
        return monitor_refuse("with what the alias stands for, the line is too long");
    __builtin_memcpy(command, alias->words, words);
    command[words] = ' ';
    __builtin_memcpy(command + words + 1, rest.text, rest.length);
    monitor_give(command, words + 1 + rest.length);
    return MONITOR_READ;
}

const struct monitor_ops alias_ops = {
    .state_bytes = sizeof(struct monitor_state),
    .record_version = MONITOR_RECORD_VERSION,
    .load = alias_load,
    .save = alias_save,
    .read = alias_read,
};

MODULE_SLOT(monitor, alias_ops);
MODULE("monitor-alias", "1.0", "words that stand for others");
