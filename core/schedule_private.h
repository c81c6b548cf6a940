/*
 * schedule_private.h - charging, choosing and waking, inlined into the paths that do it: core/schedule.c,
 * core/relinquish.c, core/wait.c.
 */
#ifndef CORE_SCHEDULE_PRIVATE_H
#define CORE_SCHEDULE_PRIVATE_H

#include "core/run_queue.h"
#include "core/schedule.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Charges the running thread's own account. Returns the cycles, for the policy. Queue lock held. */
ALWAYS_INLINE uint64_t charge_time(struct cpu *cpu, struct thread *running)
{
    uint64_t now = arch_clock();
    uint64_t cycles = now - cpu->charged_until;
    cpu->charged_until = now;
    running->runtime += cycles;
    return cycles;
}

/* The same two as calls, where more is to be done: see core/wake.c. */
void wake_slowly(struct ring *link);
void wake_and_compare(struct ring *link);

/*
 * thread_wake() of a thread that was taken out of what it waited for, given by its link, on the only CPU. Context:
 * interrupts off, no queue lock held.
 */
ALWAYS_INLINE void wake_granted(struct ring *link)
{
    struct cpu *cpu = &cpus[0];
    struct thread *thread = thread_waiting(link);
    if (__builtin_expect(thread->standing != THREAD_BLOCKED || !run_queue_try_quiet(cpu), 0)) {
        wake_slowly(link);
        return;
    }
    thread->state = THREAD_READY;
    if (SCHED_HAS(preempts)) {
        wake_and_compare(link);
        return;
    }
    slot_record();
    run_queue_enqueue(cpu, thread, SCHED_WAKE);
    spin_unlock(&cpu->queue_lock);
}

#endif
