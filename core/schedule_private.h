/*
 * schedule_private.h - charging and choosing, inlined into each path that switches: core/schedule.c, core/yield.c,
 * core/wait.c.
 *
 * Context: interrupts off, the CPU's queue lock held.
 */
#ifndef CORE_SCHEDULE_PRIVATE_H
#define CORE_SCHEDULE_PRIVATE_H

#include "core/run_queue.h"
#include "core/sched_slot.h"
#include "core/schedule.h"
#include "core/swap.h"
#include <arch/switch.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Charges the running thread's own account. Returns the cycles, for the policy. */
ALWAYS_INLINE uint64_t charge_time(struct cpu *cpu, struct thread *running)
{
    uint64_t now = arch_clock();
    uint64_t cycles = now - cpu->charged_until;
    cpu->charged_until = now;
    running->runtime += cycles;
    return cycles;
}

ALWAYS_INLINE void charge(struct cpu *cpu, struct thread *running)
{
    uint64_t cycles = charge_time(cpu, running);
    if (SCHED_HAS(charge) && running->queued_on == cpu)
        SCHED_CALL3(charge, cpu->queue, running->entity, cycles);
}

/* The policy chose what is not in its queue: has it replaced; meanwhile the core's own table says who is there. */
struct thread *choose_without_policy(struct cpu *cpu, uintptr_t entity);

/* Asks the policy, which has threads in its queue, and verifies that its choice is one of them. */
ALWAYS_INLINE struct thread *choose(struct cpu *cpu, struct thread *running)
{
    uintptr_t entity = SLOT_RESULT2(SLOT_KIND_SCHED, sched_ops, choose, cpu->queue, entity_of(running));
    struct thread *next = thread_of(entity);
    if (__builtin_expect(!run_queue_has(cpu, next), 0))
        return choose_without_policy(cpu, entity);
    if (SCHED_HAS(started) && next != running)
        SCHED_CALL3(started, cpu->queue, entity_of(running), entity);
    return next;
}

/*
 * The running thread, whose state says that it cannot go on, leaves its queue, and another one runs:
 * schedule_block(), the short way. Returns like that.
 */
ALWAYS_INLINE void block_and_switch(struct cpu *cpu, struct thread *running)
{
    if (__builtin_expect(cpu->attention || cpu->runnable == 1, 0)) {
        schedule_block(SCHED_BLOCK);
        return;
    }
    uint64_t cycles = charge_time(cpu, running);
    if (SCHED_HAS(charge))
        SCHED_CALL3(charge, cpu->queue, running->entity, cycles);
    SCHED_CALL3(dequeue, cpu->queue, running->entity, SCHED_BLOCK);
    running->queued_on = NULL;
    cpu->runnable--;
    cpu->load -= running->facts.weight;
    arch_switch(running, choose(cpu, NULL));
}

/*
 * thread_wake() of a thread that was taken out of what it waited for, the short way: on the only CPU, and with
 * nothing out of the ordinary.
 */
ALWAYS_INLINE void wake_granted(struct thread *thread)
{
    struct cpu *cpu = &cpus[0];
    bool alone;
    if (__builtin_expect(cpu_count > 1, 0)) {
        thread_wake(thread, 0, SCHED_WAKE);
        return;
    }
    spin_lock(&cpu->queue_lock);
    if (__builtin_expect(thread->standing != THREAD_BLOCKED, 0)) {
        spin_unlock(&cpu->queue_lock);
        thread_wake(thread, 0, SCHED_WAKE);
        return;
    }
    thread->state = THREAD_READY;
    alone = cpu->runnable == 0;
    run_queue_enqueue(cpu, thread, SCHED_WAKE);
    if (alone || (SCHED_HAS(preempts) && run_queue_preempts(cpu, thread)))
        cpu->reschedule = 1;
    spin_unlock(&cpu->queue_lock);
}

#endif
