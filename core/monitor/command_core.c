/*
 * command_core.c - `check`, `log`, `sym`: what the core knows of itself.
 *
 * Entry points: the three commands. Concurrency: the monitor's thread alone.
 */
#include "core/check.h"
#include "core/log.h"
#include "core/monitor/commands.h"
#include "core/symbols.h"
#include <moult/text.h>

#define LOG_LINE_BYTES 512

static int run_check(struct request *request, struct failure *why)
{
    static struct check_report report;

    (void)why;
    check_all(&report);
    struct json *json = reply_begin(request);
    if (json) {
        json_number(json, "threads", report.threads);
        json_number(json, "frames", report.frames);
        json_number(json, "violations", report.violations);
        json_text(json, "details", report.details);
    } else {
        reply_print(request, "%lu threads, %lu frames: %u violations\n", report.threads, report.frames,
                    report.violations);
        if (report.violations) {
            reply_write(request, report.details);
            reply_write(request, "\n");
        }
    }
    return 0;
}

static int run_log(struct request *request, struct failure *why)
{
    static char line[LOG_LINE_BYTES];
    uint64_t cursor = 0, lost = log_lost();
    bool quiet;
    struct json *json = reply_begin(request);

    (void)why;
    if (json) {
        json_number(json, "lost", lost);
        json_list(json, "lines");
    } else if (lost) {
        reply_print(request, "(%lu older lines are overwritten)\n", lost);
    }
    while (log_read(&cursor, line, sizeof line, &quiet)) {
        if (json) {
            json_text(json, NULL, line);
        } else {
            reply_write(request, line);
            reply_write(request, "\n");
        }
    }
    if (json)
        json_list_end(json);
    return 0;
}

/* A number is an address, anything else a name. */
static int run_sym(struct request *request, struct failure *why)
{
    const char *word = arguments_word(request->arguments, 1);
    struct symbol_place place;
    uint64_t number;
    bool is_number = text_to_number(word, &number);
    uintptr_t address = is_number ? number : symbol_find(word);

    if (!is_number && !address)
        return fail(why, -ENOENT, "there is no symbol '%.64s'; the tab key completes those there are", word);
    if (!symbol_at(address, &place))
        return fail(why, -ENOENT,
                    "address 0x%lx is neither in the kernel nor in a module; `modules -j` has their addresses",
                    address);
    struct json *json = reply_begin(request);
    if (json) {
        json_text(json, "name", is_number ? place.name : word);
        json_address(json, "address", address);
        json_number(json, "offset", is_number ? place.offset : 0);
        json_text(json, "module", place.module ? place.module : "");
        json_bool(json, "exported", symbol_exported(is_number ? place.name : word) != 0);
    } else {
        reply_print(request, "0x%lx  %.200s+0x%lx  %s\n", address, is_number ? place.name : word,
                    is_number ? place.offset : 0, place.module ? place.module : "(kernel)");
    }
    return 0;
}

const struct command check_command = {
    .name = "check",
    .form = "check",
    .summary = "verifies the core's invariants, all CPUs held",
    .run = run_check,
};

const struct command log_command = {
    .name = "log",
    .form = "log",
    .summary = "shows the kernel's log",
    .run = run_log,
};

const struct command sym_command = {
    .name = "sym",
    .form = "sym NAME|ADDRESS",
    .summary = "shows where a symbol is, or what an address is in",
    .words_min = 1,
    .words_max = 1,
    .complete = {symbol_complete},
    .run = run_sym,
};
