/*
 * lifecycle.c - paths of things that come and go: threads, blocks of memory, modules, policies.
 */
#include "bench/bench.h"
#include "core/heap.h"
#include "core/module.h"
#include "core/slot.h"
#include "core/swap.h"
#include "core/thread.h"
#include <moult/errors.h>
#include <string.h>

#define THREADS 50 /* made and joined in a batch */
#define BLOCKS 100 /* taken and given back in a batch */
#define BLOCK_BYTES 64
#define SMALL_MODULE "bench-small"
#define LARGE_MODULE "bench-relocations"

static void nothing(void *unused)
{
    (void)unused;
}

static void create_join(void *argument)
{
    struct bench *bench = argument;
    struct thread_options options = {.name = "bench-child", .affinity = 1ull << BENCH_CPU};
    for (int batch = 0; batch < BENCH_BATCHES; batch++) {
        uint64_t start = arch_clock();
        int made = 0;
        for (; made < THREADS; made++) {
            int number = thread_create(&options, nothing, NULL);
            if (number < 0 || thread_join((uint32_t)number) != 0)
                return;
        }
        bench_sample(bench, arch_clock() - start, THREADS);
    }
}

static int run_create_join(struct bench *bench, struct failure *why)
{
    int number = bench_thread("bench-parent", BENCH_CPU, create_join, bench, why);
    if (number < 0)
        return number;
    thread_join((uint32_t)number);
    return bench->count == BENCH_BATCHES ? 0 : fail(why, -ENOMEM, "a thread could not be made");
}

const struct bench_path bench_create_join = {
    .name = "create-join", .summary = "a thread made, run, ended, joined", .cpus = 1, .run = run_create_join};

static int run_alloc_free(struct bench *bench, struct failure *why)
{
    void *beside = heap_alloc(BLOCK_BYTES); /* so that no span comes and goes */
    for (int batch = 0; batch < BENCH_BATCHES && beside; batch++) {
        uint64_t start = arch_clock();
        for (int i = 0; i < BLOCKS; i++)
            heap_free(heap_alloc(BLOCK_BYTES));
        bench_sample(bench, arch_clock() - start, BLOCKS);
    }
    heap_free(beside);
    return bench->count == BENCH_BATCHES ? 0 : fail(why, -ENOMEM, "there is no memory for a block");
}

const struct bench_path bench_alloc_free = {
    .name = "alloc-free", .summary = "a block of 64 bytes taken and given back", .cpus = 1, .run = run_alloc_free};

/* Links a module and takes it out again: the cycles of the linking. */
static int link_once(const char *name, uint64_t *cycles, uint64_t *relocations, struct failure *why)
{
    struct module *module;
    uint64_t start = arch_clock();
    int result = module_insert(name, NULL, 0, &module, why);
    if (result != 0)
        return result;
    *cycles = arch_clock() - start;
    *relocations = module->relocations;
    return module_remove(name, why);
}

/* Links it once, unmeasured: its signature is verified the first time only, which is a path of its own. */
static int link_unmeasured(const char *name, struct failure *why)
{
    uint64_t cycles, relocations;
    return link_once(name, &cycles, &relocations, why);
}

static int run_insmod(struct bench *bench, struct failure *why)
{
    int result = link_unmeasured(SMALL_MODULE, why);
    for (int batch = 0; batch < BENCH_BATCHES && result == 0; batch++) {
        uint64_t cycles = 0;
        result = link_once(SMALL_MODULE, &cycles, &bench->plain, why);
        bench_sample(bench, cycles, 1);
    }
    return result;
}

const struct bench_path bench_insmod = {
    .name = "insmod", .summary = "a small module linked", .cpus = 1, .plain_name = "relocations", .run = run_insmod};

static int run_relocation(struct bench *bench, struct failure *why)
{
    int result = link_unmeasured(SMALL_MODULE, why);
    if (result == 0)
        result = link_unmeasured(LARGE_MODULE, why);
    for (int attempt = 0; bench->count < BENCH_BATCHES && result == 0; attempt++) {
        uint64_t few, many, cycles_few, cycles_many;
        result = link_once(SMALL_MODULE, &cycles_few, &few, why);
        if (result == 0)
            result = link_once(LARGE_MODULE, &cycles_many, &many, why);
        if (result != 0)
            return result;
        if (attempt == 10 * BENCH_BATCHES)
            return fail(why, -EAGAIN, "the host is too busy: the larger module took no longer than the small one");
        bench->plain = many - few;
        if (cycles_many > cycles_few) /* else the host was busy with something else */
            bench_sample(bench, cycles_many - cycles_few + bench->clock_pair, many - few);
    }
    return result;
}

const struct bench_path bench_relocation = {.name = "relocation",
                                            .summary = "each further relocation of a module",
                                            .cpus = 1,
                                            .plain_name = "relocations",
                                            .run = run_relocation};

/* Threads that wait until the measurement is over. */
struct crowd {
    struct semaphore over;
    int *numbers;
    unsigned count;
};

static void wait_for_end(void *argument)
{
    struct crowd *crowd = argument;
    semaphore_down(&crowd->over);
}

static int gather(struct crowd *crowd, unsigned wanted, struct failure *why)
{
    semaphore_init(&crowd->over, 0);
    crowd->numbers = heap_alloc(wanted * sizeof(*crowd->numbers));
    if (!crowd->numbers)
        return fail(why, -ENOMEM, "there is no memory for %u threads", wanted);
    for (; crowd->count < wanted; crowd->count++) {
        int number = bench_thread("bench-crowd", BENCH_CPU, wait_for_end, crowd, why);
        if (number < 0)
            return number;
        crowd->numbers[crowd->count] = number;
    }
    thread_sleep(1000000);
    return 0;
}

static void disperse(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->count; i++)
        semaphore_up(&crowd->over);
    for (unsigned i = 0; i < crowd->count; i++)
        thread_join((uint32_t)crowd->numbers[i]);
    heap_free(crowd->numbers);
}

static int swap_one(const char *slot, const char *policy, struct swap_report *report, struct failure *why)
{
    struct swap_request request = {.parts = {{slot, policy}}, .count = 1, .fail_at = SWAP_FAIL_NOWHERE};
    return swap(&request, report, why);
}

/* To the fallback and back, over and over; the blackout of each swap to the policy under test is a sample. */
static int swap_to_and_fro(struct bench *bench, struct failure *why)
{
    const struct slot *slot = slot_find("sched");
    char name[MODULE_NAME_BYTES];
    const char *other = strcmp(slot->occupant->name, slot->fallback.name) == 0 ? "sched-rr" : slot->fallback.name;
    memcpy(name, slot->occupant->name, sizeof(name));
    for (int batch = 0; batch < BENCH_BATCHES; batch++) {
        struct swap_report report;
        int result = swap_one(slot->name, other, &report, why);
        if (result == 0)
            result = swap_one(slot->name, name, &report, why);
        if (result != 0)
            return result;
        bench_sample(bench, report.blackout + bench->clock_pair, 1);
    }
    return 0;
}

static int run_swap(struct bench *bench, struct failure *why)
{
    struct crowd crowd = {.count = 0};
    int result = gather(&crowd, bench->threads, why);
    if (result == 0)
        result = swap_to_and_fro(bench, why);
    disperse(&crowd);
    return result;
}

const struct bench_path bench_swap = {
    .name = "swap", .summary = "the blackout of a swap", .threads = 10, .cpus = 1, .run = run_swap};
