/*
 * wake.c - a blocked thread becomes ready: on which CPU, and whether at once.
 *
 * A thread that goes to another CPU is in state WAKING between the two queue locks, so that nobody else takes it for
 * blocked or ready.
 */
#include "core/run_queue.h"
#include "core/schedule_private.h"
#include <moult/errors.h>

struct cpu *thread_lock(struct thread *thread)
{
    for (;;) {
        struct cpu *cpu = &cpus[*(volatile uint32_t *)&thread->facts.cpu];
        spin_lock(&cpu->queue_lock);
        if (thread->facts.cpu == cpu->index && thread->state != THREAD_WAKING)
            return cpu;
        spin_unlock(&cpu->queue_lock);
        arch_relax();
    }
}

/* Queues a ready thread where it belongs, and has the CPU choose again if it should run at once. Queue lock held. */
static inline __attribute__((always_inline)) void make_ready(struct cpu *cpu, struct thread *thread,
                                                             enum sched_reason reason)
{
    thread->state = THREAD_READY;
    if (thread->urgent) {
        TAILQ_INSERT_TAIL(&cpu->urgent, thread, urgent_link);
        cpu->attention |= ATTENTION_URGENT;
        schedule_ask(cpu);
        return;
    }
    if (thread->suspended)
        return;
    run_queue_enqueue(cpu, thread, reason);
    if (cpu->current->idle || run_queue_preempts(cpu, thread))
        schedule_ask(cpu);
}

/* Wakes a blocked thread. Queue lock held; released. */
static inline __attribute__((always_inline)) void wake_blocked(struct cpu *cpu, struct thread *thread, int result,
                                                               enum sched_reason reason)
{
    struct cpu *target = many_cpus() ? balance_place(thread) : cpu;
    thread->wait_result = result;
    if (target != cpu) {
        thread->state = THREAD_WAKING;
        thread->facts.cpu = target->index;
        spin_unlock(&cpu->queue_lock);
        spin_lock(&target->queue_lock);
    }
    make_ready(target, thread, reason);
    spin_unlock(&target->queue_lock);
}

void wake_slowly(struct ring *link)
{
    thread_wake(thread_waiting(link), 0, SCHED_WAKE);
}

void wake_and_compare(struct ring *link)
{
    struct cpu *cpu = &cpus[0];
    run_queue_enqueue(cpu, thread_waiting(link), SCHED_WAKE);
    if (run_queue_preempts(cpu, thread_waiting(link)))
        cpu->reschedule = 1;
    spin_unlock(&cpu->queue_lock);
}

bool thread_wake(struct thread *thread, int result, enum sched_reason reason)
{
    struct cpu *cpu = thread_lock(thread);
    if (thread->state != THREAD_BLOCKED) {
        spin_unlock(&cpu->queue_lock);
        return false;
    }
    wake_blocked(cpu, thread, result, reason);
    return true;
}

void thread_interrupt(struct cpu *cpu, struct thread *thread)
{
    if (thread->state == THREAD_BLOCKED && thread->interruptible)
        wake_blocked(cpu, thread, -EINTR, SCHED_WAKE);
    else
        spin_unlock(&cpu->queue_lock);
}

void thread_place(struct thread *thread)
{
    struct cpu *cpu = thread_lock(thread), *target = balance_place(thread);
    thread->displaced = false;
    if (target != cpu) {
        thread->state = THREAD_WAKING;
        thread->facts.cpu = target->index;
        spin_unlock(&cpu->queue_lock);
        spin_lock(&target->queue_lock);
    }
    make_ready(target, thread, SCHED_MIGRATE);
    spin_unlock(&target->queue_lock);
}
