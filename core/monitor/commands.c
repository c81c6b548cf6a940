/*
 * commands.c - the table of commands, and what their words have in common.
 *
 * Entry points: command_find() and the table; argument_number(). Concurrency: constant data.
 */
#include "core/monitor/commands.h"
#include "core/slot.h"
#include "core/thread.h"
#include <moult/text.h>
#include <string.h>

#define FORM_COLUMN 31 /* how much room the list leaves for forms; a summary after a longer one begins a row */

/* In the order of `help`. */
static const struct command *const commands[] = {
    &help_command,  &modules_command, &insmod_command, &rmmod_command,    &modinfo_command,
    &slots_command, &swap_command,    &shadow_command, &record_command,   &ps_command,
    &spawn_command, &kill_command,    &set_command,    &bt_command,       &bench_command,
    &check_command, &mem_command,     &cpu_command,    &irq_command,      &log_command,
    &sym_command,   &sleep_command,   &uptime_command, &poweroff_command, &reboot_command,
};

const struct command *command_at(size_t index)
{
    return index < sizeof commands / sizeof *commands ? commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)); i++) {
        if (!strcmp(command->name, name))
            return command;
    }
    return NULL;
}

bool command_takes_key(const struct command *command, const char *key, size_t length)
{
    const char *known = command->keys;

    if (known && !strcmp(known, ANY_KEY))
        return true;
    while (known && *known) {
        const char *end = strchr(known, ' ');
        size_t known_length = end ? (size_t)(end - known) : strlen(known);

        if (known_length == length && !memcmp(known, key, length))
            return true;
        known += known_length + (end != NULL);
    }
    return false;
}

int argument_number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *value,
                    struct failure *why)
{
    uint64_t number;

    if (!text_to_number(text, &number))
        return fail(why, -EINVAL,
                    "%s is '%.64s', which is not a number; write it in decimal, or in hexadecimal after 0x", what,
                    text);
    if (number < min || number > max)
        return fail(why, -ERANGE, "%s is %lu, which is not in the range %lu to %lu", what, number, min, max);
    *value = number;
    return 0;
}

int argument_thread(const char *text, uint32_t *number, struct failure *why)
{
    uint64_t value = 0;
    int error = argument_number("TID", text, 1, UINT32_MAX, &value, why);

    if (!error)
        *number = (uint32_t)value;
    return error;
}

uint64_t affinity_shown(uint64_t affinity)
{
    return affinity & (UINT64_MAX >> (CPU_MAX - cpu_count));
}

/* Shows one command, or the list of all. */
static int run_help(struct request *request, struct failure *why)
{
    const char *name = arguments_word(request->arguments, 1);
    const struct command *command = NULL;

    if (name && !(command = command_find(name)))
        return fail(why, -ENOENT, "there is no command '%.64s'; `help` lists those there are", name);

    struct json *json = reply_begin(request);
    if (json && command) {
        json_text(json, "name", command->name);
        json_text(json, "form", command->form);
        json_text(json, "summary", command->summary);
        json_text(json, "details", command->details ? command->details : "");
    } else if (json) {
        json_list(json, "commands");
        for (size_t i = 0; (command = command_at(i)); i++) {
            json_object(json, NULL);
            json_text(json, "name", command->name);
            json_text(json, "form", command->form);
            json_text(json, "summary", command->summary);
            json_object_end(json);
        }
        json_list_end(json);
    } else if (command) {
        reply_print(request, "%s\n    %s\n", command->form, command->summary);
        reply_write(request, command->details ? command->details : "");
    } else {
        for (size_t i = 0; (command = command_at(i)); i++) {
            bool fits = strlen(command->form) < FORM_COLUMN;

            reply_print(request, "%-*s%s%*s%s\n", FORM_COLUMN, command->form, fits ? "" : "\n", fits ? 0 : FORM_COLUMN,
                        "", command->summary);
        }
        reply_write(request, "-j anywhere after a command makes its answer one line of JSON.\n");
    }
    return 0;
}

const struct command help_command = {
    .name = "help",
    .form = "help [COMMAND]",
    .summary = "lists the commands, or explains one",
    .words_max = 1,
    .complete = {complete_command},
    .run = run_help,
};
