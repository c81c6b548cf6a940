/*
 * command_spawn.c - `spawn` and `set`: threads made with parameters, and parameters of threads changed.
 *
 * Every value on the line is checked before anything is done. Entry points: the two commands. Concurrency: the
 * monitor's thread alone.
 */
#include "core/monitor/commands.h"
#include "core/thread.h"
#include "core/workload.h"
#include <moult/sched.h>
#include <string.h>

#define NANOSECONDS_IN_MILLISECOND 1000000ul
#define PERIOD_MAX_MILLISECONDS 86400000ul

/* The value of a pair, if it is there, in min … max. */
static int pair_number(const struct request *request, const char *key, uint64_t min, uint64_t max, uint64_t *value,
                       struct failure *why)
{
    const char *text = arguments_value(request->arguments, key);

    return text ? argument_number(key, text, min, max, value, why) : 0;
}

/* What `spawn` and `set` have in common. Values that are not on the line are left alone. */
struct parameters {
    uint64_t weight, priority, affinity;
};

static int parse_parameters(const struct request *request, struct parameters *parameters, struct failure *why)
{
    int error = pair_number(request, "weight", WEIGHT_MIN, WEIGHT_MAX, &parameters->weight, why);

    if (!error)
        error = pair_number(request, "priority", PRIORITY_MIN, PRIORITY_MAX, &parameters->priority, why);
    if (!error)
        error = pair_number(request, "affinity", 1, UINT64_MAX, &parameters->affinity, why);
    if (!error && parameters->affinity) {
        bool online = false;

        for (unsigned cpu = 0; cpu < cpu_count; cpu++)
            online |= cpus[cpu].online && (parameters->affinity >> cpu & 1);
        if (!online)
            error = fail(why, -EINVAL, "affinity 0x%lx names no CPU that is online; `cpu` lists those there are",
                         parameters->affinity);
    }
    return error;
}

static int run_spawn(struct request *request, struct failure *why)
{
    const struct arguments *arguments = request->arguments;
    struct workload_options options = {.kind = arguments_word(arguments, 1),
                                       .name = arguments_value(arguments, "name")};
    const char *count_text = arguments_word(arguments, 2);
    struct parameters parameters = {0};
    struct workload_result result;
    uint64_t count = 1, period = 0;
    int error = 0;

    if (count_text)
        error = argument_number("the count", count_text, 1, WORKLOAD_COUNT_MAX, &count, why);
    if (!error)
        error = parse_parameters(request, &parameters, why);
    if (!error && options.name && (!options.name[0] || strlen(options.name) >= THREAD_NAME_BYTES))
        error = fail(why, -EINVAL, "a thread's name has 1 to %u characters", THREAD_NAME_BYTES - 1);
    if (!error)
        error = pair_number(request, "period", 1, PERIOD_MAX_MILLISECONDS, &period, why);
    options.count = (uint32_t)count;
    options.weight = (uint32_t)parameters.weight;
    options.priority = (uint32_t)parameters.priority;
    options.affinity = parameters.affinity;
    options.period = period * NANOSECONDS_IN_MILLISECOND;
    if (!error)
        error = workload_start(&options, &result, why);
    if (error)
        return error;

    struct json *json = reply_begin(request);
    if (json) {
        json_text(json, "workload", options.kind);
        json_object(json, "tids");
        json_number(json, "first", result.first);
        json_number(json, "last", result.last);
        json_number(json, "count", result.count);
        json_object_end(json);
    } else if (result.count == 1) {
        reply_print(request, "%s: thread %u\n", options.kind, result.first);
    } else {
        reply_print(request, "%s: %u threads, %u to %u\n", options.kind, result.count, result.first, result.last);
    }
    return 0;
}

static int set_one(uint32_t number, const char *what, uint64_t value, int (*set)(uint32_t number, uint64_t value),
                   struct failure *why)
{
    int error = value ? set(number, value) : 0;

    if (error == -ESRCH)
        return fail(why, error, "there is no thread %u; `ps` lists those there are", number);
    return error
               ? fail(why, error, "%s %lu cannot be set for thread %u: %s", what, value, number, error_sentence(error))
               : 0;
}

/* All values are checked before the first is set. */
static int run_set(struct request *request, struct failure *why)
{
    struct parameters parameters = {0};
    struct thread_info info;
    uint32_t number = 0;
    int error = argument_thread(arguments_word(request->arguments, 1), &number, why);

    if (!error)
        error = parse_parameters(request, &parameters, why);
    if (!error && !parameters.weight && !parameters.priority && !parameters.affinity)
        error = fail(why, -EINVAL, "there is nothing to set; the form is `%s`", request->command->form);
    if (!error && thread_info_get(number, &info) && strcmp(info.cpu_class, "policy") != 0)
        error = fail(why, -EPERM, "thread %u is %s: the core runs it without asking a policy", number, info.cpu_class);
    if (!error)
        error = set_one(number, "affinity", parameters.affinity, thread_set_affinity, why);
    if (!error)
        error = set_one(number, "weight", parameters.weight, thread_set_weight, why);
    if (!error)
        error = set_one(number, "priority", parameters.priority, thread_set_priority, why);
    if (!error && !thread_info_get(number, &info))
        error = fail(why, -ESRCH, "thread %u has ended meanwhile", number);
    if (error)
        return error;
    struct json *json = reply_begin(request);
    if (json) {
        json_number(json, "tid", number);
        json_number(json, "weight", info.weight);
        json_number(json, "priority", info.priority);
        json_number(json, "affinity", affinity_shown(info.affinity));
    } else {
        reply_print(request, "thread %u: weight %u, priority %u, affinity 0x%lx\n", number, info.weight, info.priority,
                    affinity_shown(info.affinity));
    }
    return 0;
}

const struct command spawn_command = {
    .name = "spawn",
    .form = "spawn WORKLOAD [COUNT] [KEY=VALUE ...]",
    .summary = "starts threads that load the machine",
    .details = "spin computes, yield gives way all the time, sleep sleeps, pingpong is pairs that\n"
               "wake each other (COUNT is of pairs), alloc allocates and frees frames and heap\n"
               "blocks all the time, mix is some of the others and parents that create and join\n"
               "children all the time.\n"
               "Keys: weight=, priority=, affinity=MASK, name=, period=MILLISECONDS of sleepers.\n",
    .words_min = 1,
    .words_max = 2,
    .keys = "weight priority affinity name period",
    .complete = {complete_workload, NULL},
    .run = run_spawn,
};

const struct command set_command = {
    .name = "set",
    .form = "set TID weight=N|priority=N|affinity=MASK",
    .summary = "changes parameters of a thread",
    .details = "Weight 1 to 10000 (100), priority 1 to 99 (50), a greater one runs first; bit n of\n"
               "MASK: the thread may run on CPU n.\n",
    .words_min = 1,
    .words_max = 1,
    .keys = "weight priority affinity",
    .run = run_set,
};
