/*
 * wake.c - a blocked thread becomes ready: on which CPU, and whether at once.
 *
 * A thread that goes to another CPU is in state WAKING between the two queue locks, so that nobody else takes it for
 * blocked or ready.
 */
#include "core/run_queue.h"
#include "core/schedule.h"

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

bool thread_wake(struct thread *thread, int result, enum sched_reason reason)
{
    struct cpu *cpu = thread_lock(thread), *target;
    if (thread->state != THREAD_BLOCKED) {
        spin_unlock(&cpu->queue_lock);
        return false;
    }
    thread->wait_result = result;
    target = cpu_count > 1 ? balance_place(thread) : cpu;
    if (target != cpu) {
        thread->state = THREAD_WAKING;
        thread->facts.cpu = target->index;
        spin_unlock(&cpu->queue_lock);
        spin_lock(&target->queue_lock);
    }
    make_ready(target, thread, reason);
    spin_unlock(&target->queue_lock);
    return true;
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
