/*
 * switching.c - paths from one thread to another: yield, block and wake, preemption, a wake-up across CPUs.
 */
#include "bench/bench.h"
#include "core/cpu.h"
#include "core/heap.h"
#include "core/thread.h"
#include "core/wait.h"
#include <arch/switch.h>

#define YIELDS 200       /* of each thread in a batch, */
#define YIELDS_MIN 4     /* but fewer … */
#define YIELDS_ALL 40000 /* … if they would be more in all */
#define ROUND_TRIPS 200  /* in a batch */
#define SETTLE 2000000   /* nanoseconds: the other CPU is idle again */

/* Several threads that begin together. The first one takes the samples. */
struct group {
    struct bench *bench;
    struct semaphore start;
    unsigned next; /* index of the next thread to begin; only one CPU touches it */
    int yields;    /* of each thread in a batch */
    bool given_up; /* not all of them could be made */
};

static void yield_batches(void *argument)
{
    struct group *group = argument;
    bool first;
    int yields;
    semaphore_down(&group->start);
    first = group->next++ == 0;
    yields = group->yields;
    for (int batch = 0; batch < BENCH_BATCHES && !group->given_up; batch++) {
        uint64_t start = arch_clock();
        for (int i = yields; i > 0; i--)
            arch_yield();
        if (first)
            bench_sample(group->bench, arch_clock() - start, (uint64_t)yields * group->bench->threads);
    }
}

static int yields_of(unsigned threads)
{
    if (threads <= YIELDS_ALL / YIELDS)
        return YIELDS;
    return threads < YIELDS_ALL / YIELDS_MIN ? (int)(YIELDS_ALL / threads) : YIELDS_MIN;
}

/* Starts `count` threads of a group on the bench's CPU, lets them go at once, and joins them. */
static int run_group(struct bench *bench, const char *name, void (*entry)(void *), unsigned count, struct failure *why)
{
    struct group group = {.bench = bench, .yields = yields_of(count)};
    int *numbers = heap_alloc(count * sizeof(*numbers)), result = 0;
    unsigned made = 0;
    if (!numbers)
        return fail(why, -ENOMEM, "there is no memory for %u threads", count);
    semaphore_init(&group.start, 0);
    for (; made < count && result >= 0; made++)
        result = numbers[made] = bench_thread(name, BENCH_CPU, entry, &group, why);
    group.given_up = result < 0;
    if (result < 0)
        made--;
    for (unsigned i = 0; i < made; i++)
        semaphore_up(&group.start);
    for (unsigned i = 0; i < made; i++)
        thread_join((uint32_t)numbers[i]);
    heap_free(numbers);
    return result < 0 ? result : 0;
}

static int run_yield(struct bench *bench, struct failure *why)
{
    return run_group(bench, "bench-yield", yield_batches, bench->threads, why);
}

const struct bench_path bench_yield = {
    .name = "yield", .summary = "threads that yield to each other", .threads = 2, .cpus = 1, .run = run_yield};

/* Two threads that wake each other in turn. */
struct pair {
    struct bench *bench;
    struct semaphore ping, pong;
};

static void answer(void *argument)
{
    struct pair *pair = argument;
    for (int i = 0; i < BENCH_BATCHES * ROUND_TRIPS; i++) {
        wait_down(&pair->ping);
        arch_up(&pair->pong);
    }
}

static void ask(void *argument)
{
    struct pair *pair = argument;
    for (int batch = 0; batch < BENCH_BATCHES; batch++) {
        uint64_t start = arch_clock();
        for (int i = 0; i < ROUND_TRIPS; i++) {
            arch_up(&pair->ping);
            wait_down(&pair->pong);
        }
        bench_sample(pair->bench, arch_clock() - start, ROUND_TRIPS);
    }
}

static int run_block_wake(struct bench *bench, struct failure *why)
{
    struct pair pair = {.bench = bench};
    int first, second;
    semaphore_init(&pair.ping, 0);
    semaphore_init(&pair.pong, 0);
    first = bench_thread("bench-answer", BENCH_CPU, answer, &pair, why);
    if (first < 0)
        return first;
    second = bench_thread("bench-ask", BENCH_CPU, ask, &pair, why);
    for (int i = 0; second < 0 && i < BENCH_BATCHES * ROUND_TRIPS; i++)
        semaphore_up(&pair.ping);
    thread_join((uint32_t)first);
    if (second >= 0)
        thread_join((uint32_t)second);
    return second < 0 ? second : 0;
}

const struct bench_path bench_block_wake = {
    .name = "block-wake", .summary = "a round trip over two semaphores", .cpus = 1, .run = run_block_wake};

/*
 * Two threads on one CPU that only look at the clock. One that finds the other's last look later than its own was
 * preempted in between: what lies between that look and this one is the preemption. A look that was interrupted
 * before it was used is left out.
 */
static volatile uint64_t looks[2];

static void watch_clock(void *argument)
{
    struct group *group = argument;
    unsigned self;
    semaphore_down(&group->start);
    self = group->next++;
    while (group->bench->count < BENCH_BATCHES) {
        uint64_t now = arch_clock(), other = looks[!self], mine = looks[self];
        if (mine && other > mine && now > other)
            bench_sample(group->bench, now - other, 1);
        looks[self] = arch_clock();
    }
}

static int run_preempt(struct bench *bench, struct failure *why)
{
    looks[0] = looks[1] = 0;
    return run_group(bench, "bench-watch", watch_clock, 2, why);
}

const struct bench_path bench_preempt = {
    .name = "preempt", .summary = "over the timer interrupt to the next thread", .cpus = 1, .run = run_preempt};

struct remote {
    struct bench *bench;
    struct semaphore wake, woken;
    volatile uint64_t sent;
};

static void receive(void *argument)
{
    struct remote *remote = argument;
    for (int i = 0; i < BENCH_BATCHES; i++) {
        semaphore_down(&remote->wake);
        bench_sample(remote->bench, arch_clock() - remote->sent, 1);
        semaphore_up(&remote->woken);
    }
}

static void send(void *argument)
{
    struct remote *remote = argument;
    for (int i = 0; i < BENCH_BATCHES; i++) {
        thread_sleep(SETTLE);
        remote->sent = arch_clock();
        semaphore_up(&remote->wake);
        semaphore_down(&remote->woken);
    }
}

static int run_wake_remote(struct bench *bench, struct failure *why)
{
    struct remote remote = {.bench = bench};
    int first, second;
    semaphore_init(&remote.wake, 0);
    semaphore_init(&remote.woken, 0);
    first = bench_thread("bench-receive", BENCH_CPU + 1, receive, &remote, why);
    if (first < 0)
        return first;
    second = bench_thread("bench-send", BENCH_CPU, send, &remote, why);
    for (int i = 0; second < 0 && i < BENCH_BATCHES; i++)
        semaphore_up(&remote.wake);
    thread_join((uint32_t)first);
    if (second >= 0)
        thread_join((uint32_t)second);
    return second < 0 ? second : 0;
}

const struct bench_path bench_wake_remote = {.name = "wake-remote",
                                             .summary = "from a wake-up on one CPU to the thread on another",
                                             .cpus = 2,
                                             .run = run_wake_remote};
