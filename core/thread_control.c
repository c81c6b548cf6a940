/*
 * thread_control.c - changing a thread that lives: its end, weight, priority, affinity, and holding threads still.
 *
 * A fact that a scheduler may read changes only while the thread is in no queue: it is taken out, changed, and put
 * back.
 */
#include "core/rendezvous.h"
#include "core/run_queue.h"
#include "core/schedule.h"
#include "core/thread_table.h"
#include <moult/errors.h>
#include <moult/module.h>

#define FREEZE_PAUSE 1000000 /* nanoseconds that threads have to let go of their mutexes */

bool thread_killed(void)
{
    return current_thread()->killed;
}
EXPORT_SYMBOL(thread_killed);

uint32_t thread_number(void)
{
    return current_thread()->facts.thread;
}
EXPORT_SYMBOL(thread_number);

/* The thread, with the table's lock and its queue lock held; NULL: none, and nothing held. */
static struct thread *hold(uint32_t number, unsigned long *flags, struct cpu **cpu)
{
    struct thread *thread;
    *flags = thread_table_lock();
    thread = thread_find_locked(number);
    if (!thread || thread->state == THREAD_ENDED) {
        thread_table_unlock(*flags);
        return NULL;
    }
    *cpu = thread_lock(thread);
    return thread;
}

static void let_go(struct cpu *cpu, unsigned long flags)
{
    spin_unlock(&cpu->queue_lock);
    thread_table_unlock(flags);
}

int thread_kill(uint32_t number)
{
    unsigned long flags;
    struct cpu *cpu;
    struct thread *thread = hold(number, &flags, &cpu);
    if (!thread)
        return -ESRCH;
    if (thread->core) {
        let_go(cpu, flags);
        return -EPERM;
    }
    thread->killed = true;
    thread_interrupt(cpu, thread);
    thread_table_unlock(flags);
    return 0;
}
EXPORT_SYMBOL(thread_kill);

/*
 * Calls change() while the thread is in no queue; what the policy believes of who runs stays as it was. Queue lock
 * held.
 */
static void change_out_of_queue(struct cpu *cpu, struct thread *thread, void (*change)(struct thread *, uint64_t),
                                uint64_t value)
{
    bool running = run_queue_running(cpu) == thread, preempted = cpu->preempted == thread;
    if (thread->queued_on != cpu) {
        change(thread, value);
        return;
    }
    run_queue_dequeue(cpu, thread, SCHED_CHANGE);
    change(thread, value);
    run_queue_enqueue(cpu, thread, SCHED_CHANGE);
    if (preempted)
        cpu->preempted = thread;
    if (running)
        SCHED_CALL3(started, cpu->queue, NULL, thread->entity);
    schedule_ask(cpu);
}

static void change_weight(struct thread *thread, uint64_t weight)
{
    thread->facts.weight = (uint32_t)weight;
}

static void change_priority(struct thread *thread, uint64_t priority)
{
    thread->facts.priority = (uint32_t)priority;
}

static void change_affinity(struct thread *thread, uint64_t affinity)
{
    thread->facts.affinity = affinity;
}

static int set(uint32_t number, uint64_t value, uint64_t least, uint64_t most,
               void (*change)(struct thread *, uint64_t))
{
    unsigned long flags;
    struct cpu *cpu;
    struct thread *thread;
    if (value < least || value > most)
        return -ERANGE;
    thread = hold(number, &flags, &cpu);
    if (!thread)
        return -ESRCH;
    if (cpu->current == thread)
        schedule_charge(cpu);
    change_out_of_queue(cpu, thread, change, value);
    let_go(cpu, flags);
    return 0;
}

int thread_set_weight(uint32_t number, uint64_t weight)
{
    return set(number, weight, WEIGHT_MIN, WEIGHT_MAX, change_weight);
}
EXPORT_SYMBOL(thread_set_weight);

int thread_set_priority(uint32_t number, uint64_t priority)
{
    return set(number, priority, PRIORITY_MIN, PRIORITY_MAX, change_priority);
}
EXPORT_SYMBOL(thread_set_priority);

/*
 * A ready thread that may no longer stay on this CPU leaves its queue. One that runs there is switched away from
 * first: the CPU itself then puts it where it may run (schedule_if_asked). Queue lock held; released.
 */
static void displace(struct cpu *cpu, struct thread *thread, uint64_t affinity)
{
    if (thread->queued_on == cpu)
        run_queue_dequeue(cpu, thread, SCHED_MIGRATE);
    thread->facts.affinity = affinity;
    if (cpu->current == thread) {
        if (!thread->displaced)
            TAILQ_INSERT_TAIL(&cpu->displaced, thread, urgent_link);
        thread->displaced = true;
        cpu->attention |= ATTENTION_DISPLACED;
        schedule_ask(cpu);
        spin_unlock(&cpu->queue_lock);
        return;
    }
    spin_unlock(&cpu->queue_lock);
    if (!thread->displaced)
        thread_place(thread);
}

int thread_set_affinity(uint32_t number, uint64_t affinity)
{
    unsigned long flags;
    struct cpu *cpu;
    struct thread *thread;
    if (thread_check_affinity(affinity) != 0)
        return -EINVAL;
    thread = hold(number, &flags, &cpu);
    if (!thread)
        return -ESRCH;
    if (thread->idle) {
        let_go(cpu, flags);
        return -EPERM;
    }
    if (affinity >> cpu->index & 1 || thread->state != THREAD_READY || thread->urgent) {
        change_out_of_queue(cpu, thread, change_affinity, affinity);
        let_go(cpu, flags);
    } else {
        displace(cpu, thread, affinity);
        thread_table_unlock(flags);
    }
    arch_interrupts_disable();
    schedule_if_asked();
    arch_interrupts_enable();
    return 0;
}
EXPORT_SYMBOL(thread_set_affinity);

/* Threads held still, and those that have to let go of a mutex first: whoever holds the others may want it. */
struct frozen {
    uint32_t count, busy;
};

static bool freeze(struct thread *thread, void *argument)
{
    struct frozen *frozen = argument;
    if (!thread->workload || thread == current_thread() || thread->state == THREAD_ENDED || thread->suspended)
        return true;
    if (thread->mutexes > 0) {
        frozen->busy++;
        return true;
    }
    frozen->count++;
    thread->suspended = true;
    if (thread->queued_on) {
        struct cpu *cpu = thread->queued_on;
        run_queue_dequeue(cpu, thread, SCHED_BLOCK);
        cpu->reschedule = 1;
    }
    return true;
}

static bool thaw(struct thread *thread, void *argument)
{
    (void)argument;
    if (!thread->suspended)
        return true;
    thread->suspended = false;
    if (thread->state == THREAD_READY && !thread->displaced) {
        run_queue_enqueue(&cpus[thread->facts.cpu], thread, SCHED_WAKE);
        cpus[thread->facts.cpu].reschedule = 1;
    }
    return true;
}

static void freeze_all(void *argument)
{
    struct frozen *frozen = argument;
    frozen->busy = 0;
    threads_visit_held(freeze, frozen);
}

static void thaw_all(void *unused)
{
    threads_visit_held(thaw, unused);
}

uint32_t threads_freeze(void)
{
    struct frozen frozen = {0, 0};
    for (;;) {
        rendezvous(freeze_all, &frozen);
        if (frozen.busy == 0)
            return frozen.count;
        thread_sleep(FREEZE_PAUSE);
    }
}

void threads_thaw(void)
{
    rendezvous(thaw_all, NULL);
}
