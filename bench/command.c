/*
 * command.c - the monitor's command `bench`: which paths, with everything else held still, and the figures.
 */
#include "bench/bench.h"
#include "core/cpu.h"
#include "core/heap.h"
#include "core/monitor/commands.h"
#include "core/options.h"
#include "core/slot.h"
#include "core/sort.h"
#include "core/thread.h"
#include <string.h>

const struct bench_path *const bench_paths[] = {
    &bench_yield,      &bench_block_wake, &bench_preempt,    &bench_wake_remote, &bench_slot_call, &bench_create_join,
    &bench_alloc_free, &bench_insmod,     &bench_relocation, &bench_verify,      &bench_swap,
};
const size_t bench_path_count = sizeof(bench_paths) / sizeof(bench_paths[0]);

void bench_sample(struct bench *bench, uint64_t cycles, uint64_t operations)
{
    cycles = cycles > bench->clock_pair ? cycles - bench->clock_pair : 0;
    if (bench->count < BENCH_BATCHES)
        bench->samples[bench->count++] = (cycles + operations - 1) / operations;
}

int bench_thread(const char *name, unsigned cpu, void (*entry)(void *), void *argument, struct failure *why)
{
    struct thread_options options = {.name = name, .affinity = 1ull << cpu};
    int number = thread_create(&options, entry, argument);
    return number > 0 ? number
                      : fail(why, number, "a thread for the measurement could not be made: %s", error_sentence(number));
}

static uint64_t clock_pair(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < BENCH_BATCHES; i++) {
        uint64_t start = arch_clock(), cycles = arch_clock() - start;
        if (cycles < least)
            least = cycles;
    }
    return least;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *first = a, *second = b;
    return *first < *second ? -1 : *first > *second;
}

static const struct bench_path *find_path(const char *name)
{
    for (size_t i = 0; i < bench_path_count; i++)
        if (strcmp(bench_paths[i]->name, name) == 0)
            return bench_paths[i];
    return NULL;
}

/* The command line says whether the clock counts instructions. */
static const char *unit(void)
{
    const char *clock = option_text("clock");
    return clock && strcmp(clock, "instructions") == 0 ? "instructions" : "tsc";
}

static void reply(struct request *request, const struct bench_path *path, const struct bench *bench, uint32_t frozen)
{
    const uint64_t *sorted = bench->samples;
    const char *policy = slot_find("sched")->occupant->name;
    struct json *json = reply_begin(request);
    if (json) {
        json_text(json, "path", path->name);
        json_text(json, "policy", policy);
        json_number(json, "cpus", cpu_count);
        if (path->threads)
            json_number(json, "threads", bench->threads);
        json_number(json, "samples", bench->count);
        json_number(json, "min", sorted[0]);
        json_number(json, "median", sorted[bench->count / 2]);
        json_number(json, "p99", sorted[bench->count * 99 / 100]);
        json_number(json, "max", sorted[bench->count - 1]);
        if (path->plain_name)
            json_number(json, path->plain_name, bench->plain);
        json_text(json, "unit", unit());
        json_number(json, "frozen", frozen);
    } else {
        reply_print(request, "%-12s %-14s %2u CPUs %6u threads: min %lu, median %lu, p99 %lu, max %lu %s", path->name,
                    policy, cpu_count, bench->threads, sorted[0], sorted[bench->count / 2],
                    sorted[bench->count * 99 / 100], sorted[bench->count - 1], unit());
        if (path->plain_name)
            reply_print(request, ", %s %lu", path->plain_name, bench->plain);
        reply_print(request, ", %u frozen\n", frozen);
    }
    reply_end(request);
}

static int measure(struct request *request, const struct bench_path *path, uint64_t threads, struct failure *why)
{
    struct bench *bench;
    uint32_t frozen;
    int result;
    if (path->cpus > cpu_count)
        return fail(why, -ENOTSUP, "%s needs %u CPUs, the machine has %u", path->name, path->cpus, cpu_count);
    bench = heap_alloc_zeroed(1, sizeof(*bench));
    if (!bench)
        return fail(why, -ENOMEM, "there is no memory for the samples");
    bench->threads = threads ? (unsigned)threads : path->threads;
    bench->clock_pair = clock_pair();
    frozen = threads_freeze();
    result = path->run(bench, why);
    threads_thaw();
    if (result == 0) {
        sort(bench->samples, bench->count, sizeof(bench->samples[0]), ascending);
        reply(request, path, bench, frozen);
    }
    heap_free(bench);
    return result;
}

static int run_all(struct request *request, uint64_t threads, struct failure *why)
{
    int result = 0;
    for (size_t i = 0; i < bench_path_count && result == 0; i++)
        if (bench_paths[i]->cpus <= cpu_count)
            result = measure(request, bench_paths[i], threads, why);
    return result;
}

static int run(struct request *request, struct failure *why)
{
    const char *text = arguments_value(request->arguments, "threads"), *name;
    uint64_t threads = 0;
    int result = text ? argument_number("threads", text, 1, 100000, &threads, why) : 0;
    if (result == 0 && !arguments_word(request->arguments, 1))
        return run_all(request, threads, why);
    for (unsigned i = 1; result == 0 && (name = arguments_word(request->arguments, i)); i++) {
        const struct bench_path *path = find_path(name);
        if (!path)
            return fail(why, -ENOENT, "there is no path '%s' to measure; `help bench` lists those there are", name);
        result = measure(request, path, threads, why);
    }
    return result;
}

static const char *complete_path(const char *prefix, size_t *cursor)
{
    while (*cursor < bench_path_count) {
        const char *name = bench_paths[(*cursor)++]->name;
        if (strncmp(name, prefix, strlen(prefix)) == 0)
            return name;
    }
    return NULL;
}

const struct command bench_command = {
    .name = "bench",
    .form = "bench [PATH ...] [threads=N]",
    .summary = "measures paths of the kernel",
    .details = "yield        two threads (or threads=N) that yield to each other\n"
               "block-wake   a round trip between two threads over two semaphores\n"
               "preempt      from the last instruction of a thread over the timer interrupt to the first of the next\n"
               "wake-remote  from the wake-up on one CPU to the thread on another\n"
               "slot-call    a call through a slot, and the same as a plain call\n"
               "create-join  a thread made, run, ended, joined\n"
               "insmod       a small module linked\n"
               "relocation   what each further relocation of a module costs\n"
               "verify       an ECDSA signature verified; digest_kib is what the SHA-256 of a KiB costs\n"
               "swap         the blackout of a swap there and back, with threads=N that sleep\n"
               "Without a PATH: all that this machine has the CPUs for. Figures are those of 20 batches; an "
               "operation's loop is\n"
               "included, the cost of reading the clock is not.\n",
    .words_max = 16,
    .keys = "threads",
    .complete = {complete_path},
    .run = run,
};
