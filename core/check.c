/*
 * check.c - the core's invariants, verified while every CPU but this one waits.
 *
 * Nothing is repaired. A violation is counted, and the first ones are described: what, where, and what was expected.
 *
 * Entry point: check_all(). Concurrency: everything below runs in a rendezvous, so no lock is taken, and none may be
 * found taken.
 */
#include "core/check.h"
#include "core/cpu.h"
#include "core/frames.h"
#include "core/heap.h"
#include "core/irq.h"
#include "core/rendezvous.h"
#include "core/run_queue.h"
#include "core/sched_slot.h"
#include "core/thread.h"
#include "core/workload.h"
#include <moult/sched.h>
#include <moult/text.h>
#include <string.h>

/* What the threads say, to be compared with what their CPU says. */
struct recount {
    uint32_t runnable, urgent;
    uint64_t load;
};

static struct check_report *report;
static struct recount recounts[CPU_MAX];

static void append_detail(const char *text)
{
    size_t length = strlen(report->details), more = strlen(text), gap = length ? 2 : 0;

    if (length + gap + more >= sizeof report->details)
        return;
    memcpy(report->details + length, "; ", gap);
    memcpy(report->details + length + gap, text, more + 1);
}

__attribute__((format(printf, 1, 2))) static void violation(const char *format, ...)
{
    char text[160];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    report->violations++;
    append_detail(text);
}

/* Is it linked where it says, as far as its neighbours know? */
static bool linked(const struct thread *thread)
{
    const struct ring *link = &thread->wait_link;

    return link->next->previous == link && link->previous->next == link;
}

static bool is_current(const struct thread *thread)
{
    return cpus[thread->facts.cpu].current == thread;
}

/* A thread that wants to run: it is in exactly the place that its kind has. */
static void check_ready(const struct thread *thread, struct recount *recount)
{
    uint32_t number = thread->facts.thread, cpu = thread->facts.cpu;

    if (thread->urgent) {
        if (thread->queued_on)
            violation("urgent thread %u is in a scheduler's queue", number);
        if (!is_current(thread))
            recount->urgent++;
        return;
    }
    if ((thread->suspended || thread->displaced) && !thread->queued_on)
        return; /* held still, or on its way to another CPU */
    if (thread->queued_on != &cpus[cpu]) {
        violation("ready thread %u of CPU %u is not in that CPU's queue", number, cpu);
        return;
    }
    if (!(thread->facts.affinity >> cpu & 1))
        violation("thread %u is queued on CPU %u, which its affinity 0x%lx forbids", number, cpu,
                  thread->facts.affinity);
    recount->runnable++;
    recount->load += thread->facts.weight;
}

static void check_waiting(const struct thread *thread)
{
    uint32_t number = thread->facts.thread;

    if (thread->queued_on)
        violation("thread %u does not want to run, yet it is in a queue", number);
    if (is_current(thread))
        violation("thread %u does not want to run, yet CPU %u runs it", number, thread->facts.cpu);
    if (thread->waits_on && (thread->state != THREAD_BLOCKED || !linked(thread)))
        violation("thread %u is not properly in the list that it waits in", number);
    if (thread->timer_cpu && thread->state != THREAD_BLOCKED)
        violation("thread %u has a deadline but does not wait", number);
}

static bool check_thread(struct thread *thread, void *unused)
{
    uint32_t number = thread->facts.thread, cpu = thread->facts.cpu;

    (void)unused;
    report->threads++;
    if (thread->idle)
        return true;
    if (cpu >= cpu_count || !cpus[cpu].online) {
        violation("thread %u belongs to CPU %u, which is not online", number, cpu);
        return true;
    }
    if (thread->state == THREAD_ENDED && thread->home)
        violation("thread %u has ended, yet %s holds it", number, thread->home->name);
    if (!thread->urgent && thread->state != THREAD_ENDED && !sched_may_hold(thread->home))
        violation("thread %u is held by %s, not by the occupant", number, thread->home ? thread->home->name : "nobody");
    if (thread->facts.weight < WEIGHT_MIN || thread->facts.weight > WEIGHT_MAX ||
        thread->facts.priority < PRIORITY_MIN || thread->facts.priority > PRIORITY_MAX)
        violation("thread %u has weight %u and priority %u", number, thread->facts.weight, thread->facts.priority);
    if (thread->state == THREAD_READY)
        check_ready(thread, &recounts[cpu]);
    else if (thread->state == THREAD_BLOCKED || thread->state == THREAD_ENDED)
        check_waiting(thread);
    else
        violation("thread %u is in state %u", number, thread->state);
    return true;
}

/* Whom the occupant would run: choosing has no effect, so it may be asked. */
static void check_choice(const struct cpu *cpu)
{
    uintptr_t chosen = SLOT_RESULT2(SLOT_KIND_SCHED, sched_ops, choose, cpu->queue, entity_of(run_queue_running(cpu)));

    if (!chosen && cpu->runnable)
        violation("the scheduler finds no thread to run on CPU %u, which has %u", cpu->index, cpu->runnable);
    else if (chosen && !run_queue_has(cpu, thread_of(chosen)))
        violation("the scheduler of CPU %u chooses %p, which is not in its queue", cpu->index, (void *)chosen);
}

static void check_locks(const struct cpu *cpu)
{
    if (cpu->queue_lock.owner)
        violation("the run queue of CPU %u is locked by CPU %u", cpu->index, cpu->queue_lock.owner - 1);
    if (cpu->timer_lock.owner)
        violation("the timers of CPU %u are locked by CPU %u", cpu->index, cpu->timer_lock.owner - 1);
}

static void check_cpu(const struct cpu *cpu, const struct recount *recount)
{
    const struct thread *current = cpu->current, *thread;
    uint32_t urgent = 0;

    TAILQ_FOREACH(thread, &cpu->urgent, urgent_link) {
        urgent++;
        if (!thread->urgent || thread->state != THREAD_READY || thread->facts.cpu != cpu->index)
            violation("thread %u is in CPU %u's urgent list but should not be", thread->facts.thread, cpu->index);
    }
    if (urgent != recount->urgent)
        violation("CPU %u has %u urgent threads in its list, there are %u", cpu->index, urgent, recount->urgent);
    if (urgent && !(cpu->attention & ATTENTION_URGENT))
        violation("CPU %u does not know of its urgent threads", cpu->index);
    if (current && current->idle && !(cpu->attention & ATTENTION_IDLE))
        violation("CPU %u does not know that it is idle", cpu->index);
    if (cpu->runnable != recount->runnable || cpu->load != recount->load)
        violation("CPU %u counts %u runnable threads of weight %lu, there are %u of %lu", cpu->index, cpu->runnable,
                  cpu->load, recount->runnable, recount->load);
    if (!current || (!current->idle && current->state != THREAD_READY) || (current->idle && current != cpu->idle))
        violation("CPU %u runs a thread that should not run", cpu->index);
    else if (!current->idle && !current->urgent && !current->displaced && current->queued_on != cpu)
        violation("CPU %u runs thread %u, which is not in its queue", cpu->index, current->facts.thread);
    else
        check_choice(cpu);
    if (cpu->preempted && cpu->preempted->queued_on != cpu)
        violation("CPU %u is to go back to thread %u, which is not in its queue", cpu->index,
                  cpu->preempted->facts.thread);
    check_locks(cpu);
}

/* Adds what a part of the core found out about itself. */
static void add_findings(unsigned violations, const char *details)
{
    report->violations += violations;
    if (violations)
        append_detail(details);
}

static void check_held(void *argument)
{
    static char details[160];
    struct frames_count frames;

    (void)argument;
    memset(recounts, 0, sizeof recounts);
    threads_visit_held(check_thread, NULL);
    for (unsigned i = 0; i < cpu_count; i++) {
        if (cpus[i].online)
            check_cpu(&cpus[i], &recounts[i]);
    }
    add_findings(frames_check(details, sizeof details), details);
    add_findings(heap_check(details, sizeof details), details);
    add_findings(irq_check(details, sizeof details), details);
    add_findings(workload_check(details, sizeof details), details);
    frames_count(&frames);
    report->frames = frames.total;
}

void check_all(struct check_report *result)
{
    *result = (struct check_report){0};
    report = result; /* one check at a time: a rendezvous lets no second one in, and only the monitor asks */
    rendezvous(check_held, NULL);
}
