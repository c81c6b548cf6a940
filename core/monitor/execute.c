/*
 * execute.c - parses a line, finds its command, checks words and keys against the table, runs it, and reports how it
 * failed.
 *
 * Entry points: as in execute.h. Concurrency: the monitor's thread alone; its stack is small, so what is large is
 * static.
 */
#include "core/monitor/execute.h"
#include "core/monitor/commands.h"
#include <string.h>

#define NAME_SHOWN 64 /* characters of an unknown command that its error repeats */

static struct arguments arguments;
static struct failure failure;

/* Are there as many words as the command takes, and only keys that it knows, each once? */
static int check_arguments(const struct command *command, struct failure *why)
{
    unsigned words = 0;

    for (unsigned i = 1; i < arguments.count; i++) {
        const struct argument *argument = &arguments.words[i];

        if (!argument->value) {
            words++;
        } else if (!command_takes_key(command, argument->text, strlen(argument->text))) {
            return fail(why, -EINVAL, "it has no key '%.*s'; the form is `%s`", NAME_SHOWN, argument->text,
                        command->form);
        } else if (arguments_value(&arguments, argument->text) != argument->value) {
            return fail(why, -EINVAL, "the key '%s' is there twice; give it once", argument->text);
        }
    }
    if (words < command->words_min)
        return fail(why, -EINVAL, "there is a word missing; the form is `%s`", command->form);
    if (words > command->words_max)
        return fail(why, -EINVAL, "'%.*s' is one word too many; the form is `%s`", NAME_SHOWN,
                    arguments_word(&arguments, command->words_max + 1), command->form);
    return 0;
}

/* Runs what is in `arguments`. */
static int run(struct request *request, struct failure *why)
{
    const char *name = arguments.words[0].text;
    const struct command *command = command_find(name);

    if (!command)
        return fail(why, -ENOENT, "there is no command '%.*s'; `help` lists those there are", NAME_SHOWN, name);
    request->command = command;
    int error = check_arguments(command, why);
    if (error)
        return error;
    error = command->run(request, why);
    if (!error && !request->replied)
        reply_begin(request);
    if (request->replying)
        reply_end(request);
    return error;
}

/* The first word, as errors repeat it. */
static const char *typed_name(void)
{
    static char name[NAME_SHOWN + 1];

    if (!arguments.count)
        return "monitor";
    size_t length = strnlen(arguments.words[0].text, NAME_SHOWN);
    memcpy(name, arguments.words[0].text, length);
    name[length] = 0;
    return name;
}

void execute_line(const char *line, size_t length)
{
    struct request request = {.arguments = &arguments};

    failure.code = 0;
    failure.sentence[0] = 0;
    int error = arguments_parse(&arguments, line, length, &failure);
    if (!error && arguments.count)
        error = run(&request, &failure);
    if (error) {
        failure.code = error;
        reply_failure(&request, typed_name(), &failure);
    }
}

void execute_too_long(const char *line, size_t length)
{
    struct request request = {.arguments = &arguments};

    arguments_parse(&arguments, line, length, NULL);
    failure.sentence[0] = 0;
    fail(&failure, -E2BIG, "the line has more than %u characters and was not executed; shorten it", LINE_LENGTH_MAX);
    reply_failure(&request, typed_name(), &failure);
}

void execute_refused(const char *line, size_t length, const struct failure *why)
{
    struct request request = {.arguments = &arguments};

    arguments_parse(&arguments, line, length, NULL);
    reply_failure(&request, typed_name(), why);
}

int execute_silently(const char *line, size_t length, bool *ran, struct failure *why)
{
    struct request request = {.arguments = &arguments, .silent = true};

    why->sentence[0] = 0;
    int error = arguments_parse(&arguments, line, length, why);
    *ran = arguments.count > 0;
    if (!error && *ran)
        error = run(&request, why);
    why->code = error;
    return error;
}
