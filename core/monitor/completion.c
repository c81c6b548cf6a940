/*
 * completion.c - what the words of a command line could become: commands, modules, slots, symbols, workloads, keys.
 *
 * A walk over candidates is a function with a cursor that starts at 0 and gives one text a call. Entry point:
 * complete_line(). Concurrency: the monitor's thread alone; `pair` is its.
 */
#include "core/module.h"
#include "core/monitor/commands.h"
#include "core/slot.h"
#include "core/swap.h"
#include "core/workload.h"
#include <moult/text.h>
#include <string.h>

#define OBJECT_SUFFIX ".o"

static bool begins_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

const char *complete_command(const char *prefix, size_t *cursor)
{
    const struct command *command;

    while ((command = command_at(*cursor))) {
        (*cursor)++;
        if (begins_with(command->name, prefix))
            return command->name;
    }
    return NULL;
}

const char *complete_slot(const char *prefix, size_t *cursor)
{
    const struct slot *slot;

    while ((slot = slot_at((unsigned)*cursor))) {
        (*cursor)++;
        if (begins_with(slot->name, prefix))
            return slot->name;
    }
    return NULL;
}

const char *complete_workload(const char *prefix, size_t *cursor)
{
    const char *name;

    while ((name = workload_name((unsigned)*cursor))) {
        (*cursor)++;
        if (begins_with(name, prefix))
            return name;
    }
    return NULL;
}

const char *complete_kill(const char *prefix, size_t *cursor)
{
    return !(*cursor)++ && begins_with("workload", prefix) ? "workload" : NULL;
}

/* The module's name that a file of the archive has; NULL: it is none. */
static const char *module_in_archive(const char *file)
{
    static char name[MODULE_NAME_BYTES];
    size_t length = strlen(file), suffix = strlen(OBJECT_SUFFIX);

    if (length <= suffix || length - suffix >= sizeof name || strcmp(file + length - suffix, OBJECT_SUFFIX))
        return NULL;
    memcpy(name, file, length - suffix);
    name[length - suffix] = 0;
    return name;
}

const char *complete_module(const char *prefix, size_t *cursor)
{
    const char *file, *name;

    while ((file = archive_name((unsigned)*cursor))) {
        (*cursor)++;
        if ((name = module_in_archive(file)) && begins_with(name, prefix))
            return name;
    }
    return NULL;
}

const char *complete_loaded_module(const char *prefix, size_t *cursor)
{
    static char name[MODULE_NAME_BYTES];
    const struct module *module;
    const char *found = NULL;
    size_t index = 0;

    modules_lock();
    TAILQ_FOREACH(module, &modules, link) {
        if (index++ < *cursor || found)
            continue;
        (*cursor)++;
        if (begins_with(module->name, prefix)) {
            memcpy(name, module->name, sizeof name);
            found = name;
        }
    }
    modules_unlock();
    return found;
}

static size_t word_length(const char *text)
{
    const char *end = strchr(text, ' ');

    return end ? (size_t)(end - text) : strlen(text);
}

/*
 * The command of the line, NULL: there is none of that name; and how many plain words stand before the one at `start`,
 * itself included.
 */
static const struct command *command_of_line(const char *line, size_t start, unsigned *words)
{
    char name[32];
    size_t at = 0, length;
    const struct command *command = NULL;

    for (*words = 0; at < start; at += length) {
        while (line[at] == ' ')
            at++;
        length = word_length(line + at);
        if (at >= start)
            break;
        if (!*words && length < sizeof name) {
            memcpy(name, line + at, length);
            name[length] = 0;
            command = command_find(name);
        }
        if (!*words || (!memchr(line + at, '=', length) && (length != 2 || memcmp(line + at, "-j", 2))))
            ++*words;
    }
    return command;
}

/* The next key of the command, as "key=". */
static const char *next_key(const struct command *command, const char *prefix, size_t *cursor)
{
    static char key[32];
    const char *keys = command->keys && strcmp(command->keys, ANY_KEY) ? command->keys : "";

    while (keys[*cursor]) {
        size_t length = word_length(keys + *cursor);

        text_format(key, sizeof key, "%.*s=", (int)length, keys + *cursor);
        *cursor += length + (keys[*cursor + length] == ' ');
        if (begins_with(key, prefix))
            return key;
    }
    return NULL;
}

const char *complete_line(void *context, const char *line, size_t start, size_t cursor, size_t *state)
{
    static char prefix[LINE_LENGTH_MAX + 1];
    static bool keys; /* the walk over names is over, the one over keys has begun */
    unsigned words;
    const char *found = NULL;

    (void)context;
    memcpy(prefix, line + start, cursor - start);
    prefix[cursor - start] = 0;
    const struct command *command = command_of_line(line, start, &words);
    if (!words)
        return complete_command(prefix, state);
    if (!command)
        return NULL;
    if (!*state)
        keys = false;
    if (!keys && words <= command->words_max) {
        unsigned last = COMMAND_WORDS - 1;
        const char *(*complete)(const char *, size_t *) = command->complete[words - 1 < last ? words - 1 : last];

        if (complete && (found = complete(prefix, state)))
            return found;
    }
    if (!keys)
        *state = 0;
    keys = true;
    return next_key(command, prefix, state);
}
