/*
 * commands.h - what a command of the monitor is, and the table of all.
 */
#ifndef CORE_MONITOR_COMMANDS_H
#define CORE_MONITOR_COMMANDS_H

#include "core/monitor/reply.h"
#include <moult/errors.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_WORDS 2
#define ANY_KEY "*" /* the command itself looks at the keys */

/*
 * One command. Before run() is called, the words were counted and the keys of pairs compared with `keys`. run() gathers
 * what it needs, then replies (reply.h) and returns 0; or it fails with a sentence and replies nothing. Context: the
 * monitor's thread; it may block.
 */
struct command {
    const char *name;
    const char *form;              /* how it is written, such as "swap SLOT MODULE" */
    const char *summary;           /* one line for the list of commands */
    const char *details;           /* whole lines for `help COMMAND`; NULL: there is no more to say */
    unsigned words_min, words_max; /* how many plain words may follow the name */
    const char *keys;              /* of pairs, blanks between them; NULL: none; ANY_KEY */
    /*
     * For completion, one for each word, the last for all that follow: the next text that begins with `prefix`, walking
     * with a cursor that starts at 0; NULL: no more. A NULL function: nothing is offered.
     */
    const char *(*complete[COMMAND_WORDS])(const char *prefix, size_t *cursor);
    int (*run)(struct request *request, struct failure *why);
};

/* The table, in the order of `help`; and by name, NULL: none. */
const struct command *command_at(size_t index);
const struct command *command_find(const char *name);

/* Does the command take pairs with that key? */
bool command_takes_key(const struct command *command, const char *key, size_t length);

/* What completion offers: commands; slots; modules in the archive and loaded ones; symbols; workloads; for `kill`. */
const char *complete_command(const char *prefix, size_t *cursor);
const char *complete_slot(const char *prefix, size_t *cursor);
const char *complete_module(const char *prefix, size_t *cursor);
const char *complete_loaded_module(const char *prefix, size_t *cursor);
const char *complete_workload(const char *prefix, size_t *cursor);
const char *complete_kill(const char *prefix, size_t *cursor);

/* What the word of `line` from `start` to `cursor` could become: see line_editor.h. */
const char *complete_line(void *context, const char *line, size_t start, size_t cursor, size_t *state);

/* The number that a word or the value of a pair is, in min … max; `what` names it in the sentence. -EINVAL, -ERANGE. */
int argument_number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *value,
                    struct failure *why);

/* The number of a thread. */
int argument_thread(const char *text, uint32_t *number, struct failure *why);

/* The bits of an affinity that mean a CPU of this machine. */
uint64_t affinity_shown(uint64_t affinity);

extern const struct command help_command;
extern const struct command modules_command, insmod_command, rmmod_command, modinfo_command;
extern const struct command slots_command, swap_command, shadow_command, record_command;
extern const struct command ps_command, spawn_command, kill_command, set_command, bt_command;
extern const struct command check_command, mem_command, cpu_command, irq_command;
extern const struct command log_command, sym_command, sleep_command, uptime_command, poweroff_command, reboot_command;
extern const struct command bench_command; /* bench/command.c */

#endif
