/*
 * sched_handover.c - every thread passes from one scheduler to the next, in batches, while all CPUs run.
 *
 * Begun in a rendezvous, in which the running threads move. Then the swapper moves the queues' threads, in the old
 * policy's own order of choice, and the threads that wait, each under its own hold of a lock; what wakes or starts
 * meanwhile moves by itself (core/sched_dispatch.c). Ended in a rendezvous, when the old one has none left. The same
 * backwards undoes it.
 */
#include "core/contain.h"
#include "core/sched_private.h"
#include "core/schedule.h"
#include "core/thread_table.h"
#include <moult/errors.h>
#include <moult/text.h>

#define WAITING_BATCH 16 /* entries of the table looked at in one step, each under its own lock */

struct sched_handover sched_handover;

void sched_breach(struct policy *culprit, const char *breach, ...)
{
    struct policy *nobody = NULL;
    va_list arguments;
    if (!__atomic_compare_exchange_n(&sched_handover.culprit, &nobody, culprit, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
        return;
    va_start(arguments, breach);
    text_format_list(sched_handover.breach, sizeof(sched_handover.breach), breach, arguments);
    va_end(arguments);
    sched_handover.told = true;
}

void sched_handover_breach(const struct module *module, const char *what)
{
    struct policy *from = sched_handover.from, *to = sched_handover.to;
    sched_breach(module && module == from->module ? from : to, "%s", what);
}

/* Calls policies' functions, so that it can be abandoned. Interrupts are off. */
static void contained(void (*function)(void *argument), void *argument)
{
    const struct module *module;
    if (contain_call(function, argument, &module) != 0)
        sched_handover_breach(module, contain_reason());
}

static void save_from(const struct sched_queue *queue, struct thread *thread)
{
    if (!sched_save(sched_handover.from, queue, thread))
        sched_breach(sched_handover.from, "wrote a record that is out of bounds for thread %u", thread->facts.thread);
    __atomic_add_fetch(&sched_handover.moved, 1, __ATOMIC_RELAXED);
}

void sched_move_queued(struct cpu *cpu, struct thread *thread)
{
    struct policy *from = sched_handover.from, *to = sched_handover.to;
    save_from(sched_queue_of(from, cpu), thread);
    sched_ops_of(from)->dequeue(sched_queue_of(from, cpu), thread->entity, SCHED_HANDOVER);
    sched_handover.left[cpu->index]--;
    sched_give(to, thread);
    sched_ops_of(to)->enqueue(sched_queue_of(to, cpu), thread->entity, SCHED_HANDOVER);
}

void sched_move_waiting(struct thread *thread)
{
    save_from(NULL, thread);
    sched_give(sched_handover.to, thread);
}

/* How many threads `from` has in each queue: all, or, going back, those that the other one has not. */
static void count_left(const struct policy *from)
{
    for (unsigned i = 0; i < cpu_count; i++)
        sched_handover.left[i] = sched_handover.to == from ? cpus[i].runnable - sched_handover.left[i]
                                                           : cpus[i].runnable;
}

static void move_running(void *argument)
{
    struct cpu *cpu = argument;
    const struct policy *to = sched_handover.to;
    struct thread *running = run_queue_running(cpu);
    if (!running || sched_holder(running) == to)
        return;
    sched_move_queued(cpu, running);
    if (sched_ops_of(to)->started)
        sched_ops_of(to)->started(sched_queue_of(to, cpu), NULL, running->entity);
}

void sched_handover_begin(struct policy *from, struct policy *to)
{
    count_left(from);
    sched_handover.from = from;
    sched_handover.to = to;
    sched_handover.moved = 0;
    sched_handover.culprit = NULL;
    sched_handover.told = false;
    sched_look_at(to);
    for (unsigned i = 0; i < cpu_count; i++) {
        cpus[i].queue = (struct sched_queue *)&cpus[i];
        contained(move_running, &cpus[i]);
    }
}

/* Moves the thread that the old policy would run next. Queue lock held. */
static void move_next(void *argument)
{
    struct cpu *cpu = argument;
    struct policy *from = sched_handover.from;
    struct thread *thread = thread_of((uintptr_t)sched_ops_of(from)->choose(sched_queue_of(from, cpu), NULL));
    if (run_queue_has(cpu, thread) && sched_holder(thread) == from)
        sched_move_queued(cpu, thread);
    else
        sched_breach(from, "has lost a thread of CPU %u", cpu->index);
}

static void note_time(struct slot_progress *progress, uint64_t began)
{
    uint64_t cycles = arch_clock() - began;
    if (cycles > progress->longest)
        progress->longest = cycles;
}

static void step_queue(struct slot_progress *progress, struct cpu *cpu)
{
    uint64_t began;
    bool more;
    arch_interrupts_disable();
    began = arch_clock();
    spin_lock(&cpu->queue_lock);
    more = sched_handover.left[cpu->index] > 0;
    if (more)
        contained(move_next, cpu);
    spin_unlock(&cpu->queue_lock);
    note_time(progress, began);
    arch_interrupts_enable();
    progress->queues += !more;
}

static bool waits(const struct thread *thread)
{
    return thread->state != THREAD_FREE && thread->state != THREAD_ENDED && !thread->queued_on;
}

static void move_waiting(void *thread)
{
    sched_move_waiting(thread);
}

static void step_entry(struct slot_progress *progress, struct thread *thread)
{
    struct cpu *cpu;
    uint64_t began;
    if (thread->home != sched_handover.from)
        return;
    arch_interrupts_disable();
    began = arch_clock();
    cpu = thread_lock(thread);
    if (thread->home == sched_handover.from && waits(thread))
        contained(move_waiting, thread);
    spin_unlock(&cpu->queue_lock);
    note_time(progress, began);
    arch_interrupts_enable();
}

int sched_handover_step(struct slot_progress *progress)
{
    struct thread *thread = NULL;
    bool more = true;
    if (progress->queues < cpu_count) {
        step_queue(progress, &cpus[progress->queues]);
    } else {
        for (unsigned i = 0; i < WAITING_BATCH && more; i++) {
            thread = thread_table_entry(progress->entries);
            more = thread != NULL;
            if (more) {
                progress->entries++;
                step_entry(progress, thread);
            }
        }
    }
    progress->moved = sched_handover.moved;
    return __atomic_load_n(&sched_handover.culprit, __ATOMIC_ACQUIRE) ? -EPROTO : more;
}

/*
 * Each of the new scheduler's queues has a choice exactly if the core knows of threads there, and it is one of them.
 */
static void verify_choice(void *argument)
{
    const struct cpu *cpu = argument;
    struct policy *to = sched_handover.to;
    const struct thread *running = run_queue_running(cpu);
    struct sched_entity *next = sched_ops_of(to)->choose(sched_queue_of(to, cpu), entity_of(running));
    if (!next != (cpu->runnable == 0) || (next && !run_queue_has(cpu, thread_of((uintptr_t)next))))
        sched_breach(to, "does not choose among the threads that it was given on CPU %u", cpu->index);
}

int sched_handover_finish(struct policy **culprit, struct failure *why)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        ASSERT(sched_handover.culprit || sched_handover.left[i] == 0);
        contained(verify_choice, &cpus[i]);
    }
    *culprit = sched_handover.culprit;
    if (!*culprit)
        return 0;
    return fail(why, -EPROTO, "%s", sched_handover.breach);
}

/* Threads found in the core's table, in its order, to be put into queues. */
struct found {
    struct policy *to;
    uint64_t count;
};

/* Long work with interrupts off, since the machine has no scheduler meanwhile: the watchdog is to see it get on. */
static void note_found(struct found *found)
{
    found->count++;
    this_cpu()->progress++;
}

static void requeue(struct found *found, struct thread *thread)
{
    struct cpu *cpu = thread->queued_on;
    struct sched_queue *queue = sched_queue_of(found->to, cpu);
    sched_give(found->to, thread);
    sched_ops_of(found->to)->enqueue(queue, thread->entity, SCHED_HANDOVER);
    if (run_queue_running(cpu) == thread && sched_ops_of(found->to)->started)
        sched_ops_of(found->to)->started(queue, NULL, thread->entity);
    note_found(found);
}

static bool rebuild_other(struct thread *thread, void *argument)
{
    struct found *found = argument;
    if (thread->queued_on) {
        if (run_queue_running(thread->queued_on) != thread)
            requeue(found, thread);
    } else if (!thread->urgent && !thread->idle && thread->state != THREAD_ENDED) {
        sched_give(found->to, thread);
        note_found(found);
    }
    return true;
}

/* The threads that run come first: each is told to run again. */
static void rebuild_all(void *argument)
{
    struct found *found = argument;
    for (unsigned i = 0; i < cpu_count; i++) {
        struct thread *running = run_queue_running(&cpus[i]);
        if (running)
            requeue(found, running);
    }
    threads_visit_held(rebuild_other, found);
}

int sched_handover_rebuild(struct policy *to, uint64_t *moved)
{
    const struct module *module;
    struct found found = {.to = to};
    int result = contain_call(rebuild_all, &found, &module);
    *moved = found.count;
    return result;
}
