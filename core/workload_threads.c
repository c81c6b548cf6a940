/*
 * workload_threads.c - what the threads of workloads do, and what they find wrong.
 *
 * Every thread compares: partners of a pair must stay in step, a child must have run once when it is joined, a sleeper
 * must not wake early. What does not agree is a violation, which `check` reports. Threads end when they are killed;
 * when one of a pair ends, it lets the other end too.
 *
 * Entry points: workload_roles, workload_check(). Concurrency: `shared.lock` protects the list of pairs; a bond's
 * counters are each written by one thread, and ordered by the bond's semaphores or by the join.
 */
#include "core/workload_threads.h"
#include "core/heap.h"
#include "core/thread.h"
#include "core/workload.h"
#include <moult/text.h>

#define SPIN_ROUND 1000
#define ROUNDING 1000ull         /* nanoseconds that two readings of the clock may differ by */
#define MEMORY_PAUSE 10000000ull /* nanoseconds that a parent waits when there is no memory for a child */

TAILQ_HEAD(bond_list, bond);

static struct {
    struct spinlock lock; /* protects `pairs` */
    struct bond_list pairs;
    uint32_t violations;        /* found by the threads; atomic */
    const char *volatile first; /* what the first one was */
} shared = {.pairs = TAILQ_HEAD_INITIALIZER(shared.pairs)};

void workload_violation(const char *what)
{
    const char *none = NULL;

    __atomic_add_fetch(&shared.violations, 1, __ATOMIC_RELAXED);
    __atomic_compare_exchange_n(&shared.first, &none, what, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

struct bond *bond_create(bool pair)
{
    struct bond *bond = heap_alloc_zeroed(1, sizeof *bond);

    if (!bond)
        return NULL;
    bond->pair = pair;
    bond->users = pair ? 2 : 1;
    semaphore_init(&bond->turns[0], 1);
    semaphore_init(&bond->turns[1], 0);
    if (pair) {
        unsigned long flags = spin_lock_save(&shared.lock);

        TAILQ_INSERT_TAIL(&shared.pairs, bond, link);
        spin_unlock_restore(&shared.lock, flags);
    }
    return bond;
}

void bond_put(struct bond *bond)
{
    if (__atomic_sub_fetch(&bond->users, 1, __ATOMIC_ACQ_REL))
        return;
    if (bond->pair) {
        unsigned long flags = spin_lock_save(&shared.lock);

        TAILQ_REMOVE(&shared.pairs, bond, link);
        spin_unlock_restore(&shared.lock, flags);
    }
    heap_free(bond);
}

static void spin(void *argument)
{
    heap_free(argument);
    while (!thread_killed()) {
        for (unsigned i = 0; i < SPIN_ROUND; i++)
            __asm__ volatile("");
    }
}

static void yield(void *argument)
{
    heap_free(argument);
    while (!thread_killed())
        thread_yield();
}

static void sleeper(void *argument)
{
    const struct task *task = argument;
    uint64_t period = task->period;

    heap_free(argument);
    while (!thread_killed()) {
        uint64_t due = clock_nanoseconds() + period;

        if (thread_sleep(period) == 0 && clock_nanoseconds() + ROUNDING < due)
            workload_violation("a sleeper woke before its time");
    }
}

/*
 * Side 0 is one round ahead while it is side 1's turn, and level while it is its own: a turn that came twice or not at
 * all shows in the counts. The semaphores order the accesses.
 */
static void partner(void *argument)
{
    struct task *task = argument;
    struct bond *bond = task->bond;
    unsigned side = task->side;

    heap_free(task);
    while (!semaphore_down(&bond->turns[side]) && !bond->over && !thread_killed()) {
        if (bond->counts[0] != bond->counts[1] + side)
            workload_violation("the partners of a pair are out of step: a wake-up was lost or doubled");
        bond->counts[side]++;
        semaphore_up(&bond->turns[!side]);
    }
    bond->over = true;
    semaphore_up(&bond->turns[!side]);
    bond_put(bond);
}

static void child(void *argument)
{
    struct bond *bond = argument;

    bond->counts[1]++;
    bond_put(bond);
}

/* Creates a child and joins it, again and again. */
static void parent(void *argument)
{
    struct bond *bond = ((struct task *)argument)->bond;

    heap_free(argument);
    while (!thread_killed()) {
        __atomic_add_fetch(&bond->users, 1, __ATOMIC_RELAXED);
        int number = thread_create(&(struct thread_options){.name = "child", .workload = true}, child, bond);
        if (number < 0) {
            __atomic_sub_fetch(&bond->users, 1, __ATOMIC_RELAXED);
            thread_sleep(MEMORY_PAUSE);
            continue;
        }
        if (thread_join((uint32_t)number)) {
            thread_detach((uint32_t)number);
            break;
        }
        if (++bond->counts[0] != bond->counts[1])
            workload_violation("a child that was joined has not run exactly once");
    }
    bond_put(bond);
}

const struct workload_role workload_roles[] = {
    [ROLE_SPIN] = {"spin", spin},
    [ROLE_YIELD] = {"yield", yield},
    [ROLE_SLEEP] = {"sleep", sleeper},
    [ROLE_PARENT] = {"parent", parent},
    [ROLE_PING] = {"ping", partner},
    [ROLE_PONG] = {"pong", partner},
    [ROLE_ALLOC] = {"alloc", workload_alloc},
};

/* Both wait, and neither has a turn coming: a wake-up was lost. */
static bool stuck(const struct bond *bond)
{
    for (unsigned side = 0; side < 2; side++) {
        if (bond->turns[side].count || ring_is_empty(&bond->turns[side].list.waiters))
            return false;
    }
    return true;
}

unsigned workload_check(char *details, size_t capacity)
{
    const struct bond *bond;
    unsigned lost = 0;

    TAILQ_FOREACH(bond, &shared.pairs, link)
        lost += stuck(bond);
    details[0] = 0;
    if (lost)
        text_format(details, capacity, "workload: %u pairs wait for each other for ever", lost);
    else if (shared.violations)
        text_format(details, capacity, "workload: %s", shared.first);
    return lost + shared.violations;
}
