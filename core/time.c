/*
 * time.c - the clock, sleepers in a tree by deadline, ticks.
 *
 * Each CPU has its own sleepers and timer. Ticks come only while a CPU has something to run; an idle one wakes for
 * its first sleeper.
 */
#include "core/time.h"
#include "core/console.h"
#include "core/schedule.h"
#include "core/swap.h"
#include <arch/timer.h>
#include <moult/errors.h>
#include <moult/module.h>
#include <stddef.h>

#define NANOSECONDS 1000000000ull

uint64_t sched_tick_cycles, sched_clock_hz;
EXPORT_SYMBOL(sched_tick_cycles);
EXPORT_SYMBOL(sched_clock_hz);

static uint64_t boot_clock;

void time_init(void)
{
    sched_clock_hz = arch_clock_calibrate();
    sched_tick_cycles = sched_clock_hz / TICKS_PER_SECOND;
    boot_clock = arch_clock();
}

uint64_t clock_cycles(void)
{
    return arch_clock();
}
EXPORT_SYMBOL(clock_cycles);

uint64_t time_nanoseconds(uint64_t cycles)
{
    if (sched_clock_hz == 0)
        return 0;
    return cycles / sched_clock_hz * NANOSECONDS + cycles % sched_clock_hz * NANOSECONDS / sched_clock_hz;
}

uint64_t clock_nanoseconds(void)
{
    return time_nanoseconds(arch_clock() - boot_clock);
}
EXPORT_SYMBOL(clock_nanoseconds);

uint64_t time_deadline(uint64_t nanoseconds)
{
    uint64_t seconds = nanoseconds / NANOSECONDS, rest = nanoseconds % NANOSECONDS, cycles, deadline;
    if (__builtin_mul_overflow(seconds, sched_clock_hz, &cycles) ||
        __builtin_add_overflow(cycles, rest * sched_clock_hz / NANOSECONDS + 1, &cycles) ||
        __builtin_add_overflow(cycles, arch_clock(), &deadline))
        return NO_DEADLINE;
    return deadline;
}

static struct thread *sleeper(struct tree_node *node)
{
    return node ? (struct thread *)((uint8_t *)node - offsetof(struct thread, timer)) : NULL;
}

static bool earlier(const struct tree_node *a, const struct tree_node *b)
{
    return ((const struct thread *)((const uint8_t *)a - offsetof(struct thread, timer)))->deadline <
           ((const struct thread *)((const uint8_t *)b - offsetof(struct thread, timer)))->deadline;
}

void time_arm(struct cpu *cpu)
{
    struct thread *first = sleeper(*(struct tree_node *volatile *)&cpu->timers.first);
    uint64_t deadline = first ? first->deadline : NO_DEADLINE;
    arch_timer_set(deadline < cpu->next_tick ? deadline : cpu->next_tick);
}

void timer_add(struct thread *thread, uint64_t deadline)
{
    struct cpu *cpu = this_cpu();
    spin_lock(&cpu->timer_lock);
    thread->deadline = deadline;
    thread->timer_cpu = cpu;
    tree_insert(&cpu->timers, &thread->timer, earlier, NULL);
    if (cpu->timers.first == &thread->timer)
        time_arm(cpu);
    spin_unlock(&cpu->timer_lock);
}

void timer_cancel(struct thread *thread)
{
    struct cpu *cpu = *(struct cpu *volatile *)&thread->timer_cpu;
    if (!cpu)
        return;
    spin_lock(&cpu->timer_lock);
    if (thread->timer_cpu) {
        tree_remove(&cpu->timers, &thread->timer, NULL);
        thread->timer_cpu = NULL;
    }
    spin_unlock(&cpu->timer_lock);
}

/*
 * Wakes the first sleeper if its time has come. The timer lock is held across the wake-up: a sleeper that sees itself
 * out of the tree knows that it is past, and cannot be woken from a later wait.
 */
static bool expire_one(struct cpu *cpu, uint64_t now)
{
    struct thread *thread;
    bool due;
    spin_lock(&cpu->timer_lock);
    thread = sleeper(cpu->timers.first);
    due = thread && thread->deadline <= now;
    if (due) {
        tree_remove(&cpu->timers, &thread->timer, NULL);
        thread_wake(thread, -ETIMEDOUT, SCHED_WAKE);
        __atomic_store_n(&thread->timer_cpu, NULL, __ATOMIC_RELEASE);
    }
    spin_unlock(&cpu->timer_lock);
    return due;
}

#define EXPIRE_MAX \
    64 /* sleepers woken in one interrupt; the rest in the next, so that interrupts are not off for long */

void time_interrupt(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = arch_clock();
    for (unsigned i = 0; i < EXPIRE_MAX && expire_one(cpu, now); i++)
        ;
    if (now >= cpu->next_tick)
        schedule_tick(cpu);
    swap_rescue_poll();
    console_tick();
    spin_lock(&cpu->timer_lock);
    time_arm(cpu);
    spin_unlock(&cpu->timer_lock);
}
