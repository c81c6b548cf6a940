/*
 * internal.h - what the parts of the simulator share. For simulator.c, events.c and handover.c alone.
 */
#ifndef SIMULATOR_INTERNAL_H
#define SIMULATOR_INTERNAL_H

#include "simulator.h"

static inline struct sched_queue *queue_of(unsigned cpu)
{
    return (struct sched_queue *)sim.cpu[cpu].queue[sim.now];
}

/* NULL for NULL, as is thread_of(). */
static inline struct sched_entity *entity_of(struct sim_thread *thread)
{
    return thread ? (struct sched_entity *)thread->entity[sim.now] : NULL;
}

static inline struct sim_thread *thread_of(const struct sched_entity *entity)
{
    return (struct sim_thread *)(uintptr_t)(entity ? sched_facts(entity) : NULL);
}

/* Makes the queues of the policy in use, empty, and its threads' entities, untouched. */
void sim_empty_queues(void);
void sim_forget(struct sim_thread *thread);

/* What comes between the two must have no effect on anything. */
void sim_remember(void);
void sim_assert_no_effect(void);

/* What must hold after every event, and the part of it that concerns memory. */
void sim_check(void);
void sim_check_memory(void);

/* Calls of the policy, of which the observer is told. */
void sim_enqueue(struct sim_thread *thread, enum sched_reason reason);
void sim_dequeue(struct sim_thread *thread, enum sched_reason reason);

/*
 * Starts what the policy chooses; simulator_charge() was called if somebody ran. `interrupted`: an urgent thread ran in
 * between.
 */
void sim_choose(unsigned cpu, bool interrupted);

#endif
