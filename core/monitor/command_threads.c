/*
 * command_threads.c - `ps`, `kill`, `bt`.
 *
 * Entry points: the three commands. Concurrency: the monitor's thread alone; threads are shown from copies, so that a
 * long list holds up none of them.
 */
#include "core/heap.h"
#include "core/monitor/commands.h"
#include "core/symbols.h"
#include "core/thread.h"
#include "core/workload.h"
#include <moult/sched.h>
#include <moult/text.h>
#include <string.h>

#define FRAMES_MAX 64
#define BACKTRACE_TRIES 20
#define BACKTRACE_PAUSE 1000000ull /* nanoseconds */
#define MILLISECONDS 1000ul

static void show_thread_json(struct json *json, const struct thread_info *info)
{
    json_object(json, NULL);
    json_number(json, "tid", info->number);
    json_text(json, "name", info->name);
    json_text(json, "state", info->state);
    json_text(json, "class", info->cpu_class);
    json_number(json, "cpu", info->cpu);
    json_number(json, "priority", info->priority);
    json_number(json, "weight", info->weight);
    json_number(json, "affinity", affinity_shown(info->affinity));
    json_number(json, "runtime", info->runtime);
    json_number(json, "switches", info->switches);
    json_object_end(json);
}

static void show_thread_text(struct request *request, const struct thread_info *info)
{
    uint64_t milliseconds = info->runtime / (sched_clock_hz / MILLISECONDS);

    char priority[8];

    text_format(priority, sizeof priority, "%u", info->priority);
    reply_print(request, "%6u %-16.16s %-8s %3u %6s %6u %8lx %5lu.%03lu %8lu\n", info->number, info->name, info->state,
                info->cpu, strcmp(info->cpu_class, "policy") ? info->cpu_class : priority, info->weight,
                affinity_shown(info->affinity), milliseconds / MILLISECONDS, milliseconds % MILLISECONDS,
                info->switches);
}

static int run_ps(struct request *request, struct failure *why)
{
    struct thread_info *list;
    int count = threads_snapshot(&list);

    if (count < 0)
        return fail(why, count, "there is no memory for a copy of the list; end some threads");
    struct json *json = reply_begin(request);
    if (json) {
        json_number(json, "threads", (uint64_t)count);
        json_list(json, "list");
    } else {
        reply_print(request, "%6s %-16s %-8s %3s %6s %6s %8s %9s %8s\n", "TID", "NAME", "STATE", "CPU", "PRIO",
                    "WEIGHT", "AFFINITY", "SECONDS", "SWITCHES");
    }
    for (int i = 0; i < count; i++) {
        if (json)
            show_thread_json(json, &list[i]);
        else
            show_thread_text(request, &list[i]);
    }
    if (json)
        json_list_end(json);
    heap_free(list);
    return 0;
}

static int kill_workloads(struct request *request, struct failure *why)
{
    int count = workload_end_all();

    if (count < 0)
        return fail(why, count, "not all workload threads have ended; `ps` lists those that are left, try again");
    struct json *json = reply_begin(request);
    if (json)
        json_number(json, "threads", (uint64_t)count);
    else
        reply_print(request, "%d workload threads have ended\n", count);
    return 0;
}

static int run_kill(struct request *request, struct failure *why)
{
    const char *word = arguments_word(request->arguments, 1);
    uint32_t number = 0;

    if (!strcmp(word, "workload"))
        return kill_workloads(request, why);
    int error = argument_thread(word, &number, why);
    if (error)
        return error;
    error = thread_kill(number);
    if (error == -ESRCH)
        return fail(why, error, "there is no thread %u; `ps` lists those there are", number);
    if (error)
        return fail(why, error, "thread %u is the core's own and cannot be ended", number);
    struct json *json = reply_begin(request);
    if (json)
        json_number(json, "tid", number);
    else
        reply_print(request, "thread %u is asked to end\n", number);
    return 0;
}

/* Return addresses, innermost first. */
struct frames {
    unsigned count;
    uintptr_t addresses[FRAMES_MAX];
};

static void add_frame(uintptr_t address, void *argument)
{
    struct frames *frames = argument;

    if (frames->count < FRAMES_MAX)
        frames->addresses[frames->count++] = address;
}

static void show_frame(struct request *request, struct json *json, unsigned index, uintptr_t address)
{
    struct symbol_place place;
    bool known = symbol_at(address, &place);

    if (json) {
        json_object(json, NULL);
        json_address(json, "address", address);
        json_text(json, "symbol", known ? place.name : "");
        json_number(json, "offset", known ? place.offset : 0);
        json_text(json, "module", known && place.module ? place.module : "");
        json_object_end(json);
    } else if (known) {
        reply_print(request, "%2u  0x%lx  %.200s+0x%lx%s%s%s\n", index, address, place.name, place.offset,
                    place.module ? " [" : "", place.module ? place.module : "", place.module ? "]" : "");
    } else {
        reply_print(request, "%2u  0x%lx\n", index, address);
    }
}

static int run_bt(struct request *request, struct failure *why)
{
    static struct frames frames;
    uint32_t number = 0;
    int error = argument_thread(arguments_word(request->arguments, 1), &number, why);

    if (error)
        return error;
    if (number == thread_number())
        return fail(why, -EBUSY, "thread %u is the monitor, which is busy with this command", number);
    frames.count = 0;
    error = thread_backtrace(number, add_frame, &frames);
    for (unsigned tries = 0; error == -EBUSY && tries < BACKTRACE_TRIES; tries++) {
        thread_sleep(BACKTRACE_PAUSE); /* it runs on another CPU: perhaps not for long */
        error = thread_backtrace(number, add_frame, &frames);
    }
    if (error == -ESRCH)
        return fail(why, error, "there is no thread %u; `ps` lists those there are", number);
    if (error)
        return fail(why, error, "thread %u runs just now, so that its registers are not saved; try again", number);
    struct json *json = reply_begin(request);
    if (json) {
        json_number(json, "tid", number);
        json_list(json, "frames");
    }
    for (unsigned i = 0; i < frames.count; i++)
        show_frame(request, json, i, frames.addresses[i]);
    if (json)
        json_list_end(json);
    return 0;
}

const struct command ps_command = {
    .name = "ps",
    .form = "ps",
    .summary = "lists the threads",
    .details = "PRIO is `urgent` or `idle` for threads that the core runs without asking a policy.\n"
               "With -j, `class` tells that, and `runtime` is in cycles of the clock.\n",
    .run = run_ps,
};

const struct command kill_command = {
    .name = "kill",
    .form = "kill TID|workload",
    .summary = "ends a thread, or all that `spawn` started",
    .words_min = 1,
    .words_max = 1,
    .complete = {complete_kill},
    .run = run_kill,
};

const struct command bt_command = {
    .name = "bt",
    .form = "bt TID",
    .summary = "shows where a thread is: its backtrace",
    .words_min = 1,
    .words_max = 1,
    .run = run_bt,
};
