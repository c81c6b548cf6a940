/*
 * relinquish.c - the short ways on which a thread gives its CPU up, thread_yield() and semaphore_down(), and wakes
 * another, semaphore_up().
 *
 * They are called through inline assembly alone (arch_yield(), arch_down(), arch_up()), whose caller has given all
 * registers away: nothing needs to be saved, and the CPU, its running thread and the next one stand in registers of
 * their own. The compiler takes those for reserved in this whole file, so nothing may stand here that is called in
 * any other way. What is out of the ordinary goes the long way, in core/schedule.c and core/wait.c.
 *
 * Context: a thread; semaphore_up(), any. Interrupts are off on return.
 */
#define SLOT_RESERVED
#include "core/schedule.h"
#include "core/schedule_private.h"
#include "core/wait.h"
#include <arch/switch.h>

register struct cpu *cpu ARCH_SWITCH_CPU;
register struct thread *running ARCH_SWITCH_FROM;
register struct thread *next ARCH_SWITCH_TO;
/* Not kept by a switch either: reserved, so that the compiler does not save them for a caller who gave them away. */
register uintptr_t given_away_1 ARCH_SWITCH_SPARE_1;
register uintptr_t given_away_2 ARCH_SWITCH_SPARE_2;

void schedule_yield(void);
void schedule_down(struct semaphore *semaphore);
void schedule_up(struct semaphore *semaphore);

/* Lets `next` run; returns when the running thread does so again. */
ALWAYS_INLINE void go_on(void)
{
    if (next == running)
        spin_unlock(&cpu->queue_lock);
    else
        arch_switch_entry();
}

/* The rare cases are last calls, so that the short ways need no stack frame. */
static __attribute__((noinline)) void yield_slowly(void)
{
    next = schedule_yield_slowly();
    go_on();
}

static __attribute__((noinline)) void yield_without_policy(uintptr_t entity)
{
    next = schedule_without_policy(cpu, entity);
    go_on();
}

static __attribute__((noinline)) void wait_without_policy(uintptr_t entity)
{
    next = schedule_without_policy(cpu, entity);
    arch_switch_entry();
}

static __attribute__((noinline)) void wait_as_last(void)
{
    next = schedule_pick(cpu);
    arch_switch_entry();
}

static __attribute__((noinline)) void take_one(struct semaphore *semaphore)
{
    next = running;
    semaphore->count--;
    if (many_cpus())
        spin_unlock(&semaphore->list.lock);
}

static __attribute__((noinline)) void down_slowly(struct semaphore *semaphore)
{
    if (many_cpus())
        spin_unlock(&semaphore->list.lock);
    semaphore_down_slowly(semaphore);
    next = running;
}

/* The first call of the policy's functions: those after it find the stack as it is here. */
ALWAYS_INLINE void charge_running(void)
{
    uint64_t cycles;
    slot_record();
    cycles = charge_time(cpu, running);
    if (SCHED_HAS(charge))
        SCHED_CALL3(charge, cpu->queue, running->entity, cycles);
    arch_settle_here(cpu, running, next);
}

/* Asks the policy, which has threads in its queue; `previous` is the running one's, or NULL if it is not in there. */
ALWAYS_INLINE uintptr_t choose(struct sched_entity *previous)
{
    uintptr_t entity = SLOT_RESULT2(SLOT_KIND_SCHED, sched_ops, choose, cpu->queue, previous);
    next = thread_of(entity);
    arch_settle_here(cpu, running, next);
    return entity;
}

void schedule_yield(void)
{
    uintptr_t entity;
    arch_begin_here(cpu, running);
    if (__builtin_expect(!run_queue_try_quiet(cpu), 0)) {
        yield_slowly();
        return;
    }
    charge_running();
    SCHED_CALL2(yielded, cpu->queue, running->entity);
    arch_settle_here(cpu, running, next);
    entity = choose(running->entity);
    if (__builtin_expect(!run_queue_has(cpu, next), 0)) {
        yield_without_policy(entity);
        return;
    }
    if (SCHED_HAS(started) && next != running)
        SCHED_CALL3(started, cpu->queue, running->entity, entity);
    go_on();
}

/*
 * The running thread, linked in the semaphore's list under its lock, blocks before that lock is released. On the only
 * CPU nobody else can look at the semaphore while interrupts are off, and its lock is not taken. Returns with the
 * running thread in `next`; its waits_on, if it is not NULL, tells wait_leave() what came of it.
 */
void schedule_down(struct semaphore *semaphore)
{
    uintptr_t entity;
    arch_begin_here(cpu, running);
    if (many_cpus())
        spin_lock(&semaphore->list.lock);
    if (__builtin_expect(semaphore->count > 0, 0)) {
        take_one(semaphore);
        return;
    }
    if (__builtin_expect(!run_queue_try_quiet(cpu), 0)) {
        down_slowly(semaphore);
        return;
    }
    if (__builtin_expect(running->killed, 0)) {
        spin_unlock(&cpu->queue_lock);
        down_slowly(semaphore);
        return;
    }
    ring_insert(&semaphore->list.waiters, &running->wait_link);
    running->waits_on = &semaphore->list;
    running->state = THREAD_BLOCKED;
    if (many_cpus())
        spin_unlock(&semaphore->list.lock);
    charge_running();
    SCHED_CALL3(dequeue, cpu->queue, running->entity, SCHED_BLOCK);
    arch_settle_here(cpu, running, next);
    running->queued_on = NULL;
    cpu->load -= running->facts.weight;
    if (__builtin_expect(--cpu->runnable == 0, 0)) {
        wait_as_last();
        return;
    }
    entity = choose(NULL);
    if (__builtin_expect(!run_queue_has(cpu, next), 0)) {
        wait_without_policy(entity);
        return;
    }
    if (SCHED_HAS(started))
        SCHED_CALL3(started, cpu->queue, NULL, entity);
    arch_switch_entry();
}

/* On the only CPU nobody else can look at the semaphore while interrupts are off, and its lock is not taken. */
void schedule_up(struct semaphore *semaphore)
{
    struct ring *first;
    if (many_cpus()) {
        semaphore_give_across_cpus(semaphore);
        return;
    }
    first = ring_take(&semaphore->list.waiters);
    if (__builtin_expect(!first, 0)) {
        semaphore->count++;
        return;
    }
    thread_waiting(first)->waits_on = NULL;
    wake_granted(first);
}
