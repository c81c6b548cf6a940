/*
 * run_queue.h - the core's side of the run queue of a CPU: the facts, and the calls to the scheduler that go with
 * each change of them.
 *
 * Context of everything here: interrupts off, the CPU's queue lock held. Who calls what: core/schedule.c chooses,
 * core/wake.c and core/balance.c place, core/thread_control.c changes.
 */
#ifndef CORE_RUN_QUEUE_H
#define CORE_RUN_QUEUE_H

#include "core/cpu.h"
#include "core/slot_call.h"
#include "core/thread.h"
#include <arch/probe.h>
#include <moult/sched.h>

#define SCHED_CALL2(member, a, b) SLOT_CALL2(SLOT_KIND_SCHED, sched_ops, member, a, b)
#define SCHED_CALL3(member, a, b, c) SLOT_CALL3(SLOT_KIND_SCHED, sched_ops, member, a, b, c)

/* Does the occupant have this optional function? */
#define SCHED_HAS(member) slot_has(SLOT_KIND_SCHED, offsetof(struct sched_ops, member))

/* The thread that an entity is part of; any value gives an address that is aligned as a thread's. */
static inline struct thread *thread_of(uintptr_t entity)
{
    return (struct thread *)(entity & ~(uintptr_t)(THREAD_BYTES - 1));
}

/* Is that a thread in this CPU's queue? A policy said so: any value may be asked about. */
static inline __attribute__((always_inline)) bool run_queue_has(const struct cpu *cpu, struct thread *thread)
{
    return arch_probe_equals((void *const *)&thread->queued_on, cpu);
}

/*
 * Takes the queue lock if it is free and nothing wants attention: both are seen in one comparison. Context: interrupts
 * off, this CPU.
 */
static inline __attribute__((always_inline)) bool run_queue_try_quiet(struct cpu *cpu)
{
    return __sync_bool_compare_and_swap((uint64_t *)&cpu->queue_lock, 0, cpu->lock_owner);
}

static inline void run_queue_enqueue(struct cpu *cpu, struct thread *thread, enum sched_reason reason)
{
    thread->queued_on = cpu;
    cpu->runnable++;
    cpu->load += thread->facts.weight;
    SCHED_CALL3(enqueue, cpu->queue, thread->entity, reason);
}

static inline void run_queue_dequeue(struct cpu *cpu, struct thread *thread, enum sched_reason reason)
{
    SCHED_CALL3(dequeue, cpu->queue, thread->entity, reason);
    thread->queued_on = NULL;
    cpu->runnable--;
    cpu->load -= thread->facts.weight;
    if (cpu->preempted == thread)
        cpu->preempted = NULL;
}

/* The thread that the policy believes to run on this CPU, and that still can; NULL: none. */
static inline struct thread *run_queue_running(const struct cpu *cpu)
{
    return cpu->current->queued_on == cpu ? cpu->current : cpu->preempted;
}

static inline struct sched_entity *entity_of(const struct thread *thread)
{
    return thread ? thread->entity : NULL;
}

/* Should `waiting` take the CPU from what the policy runs there? */
static inline bool run_queue_preempts(struct cpu *cpu, const struct thread *waiting)
{
    const struct thread *running = run_queue_running(cpu);
    return !running ||
           (SLOT_RESULT3(SLOT_KIND_SCHED, sched_ops, preempts, cpu->queue, running->entity, waiting->entity, 0) & 0xff);
}

/* The thread that the policy would give to another CPU; NULL: none. The policy's answer is checked. */
struct thread *run_queue_offer(struct cpu *from, unsigned to);

#endif
