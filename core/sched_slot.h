/*
 * sched_slot.h - the slot `sched`: what the core does around its policy, and the hand-over of every thread.
 */
#ifndef CORE_SCHED_SLOT_H
#define CORE_SCHED_SLOT_H

#include "core/slot.h"
#include "core/thread.h"

extern const struct slot_type sched_slot_type;

/* The built-in scheduler: core/fallback/sched_fifo.c. */
extern const struct sched_ops sched_fifo_ops;

/* Does the occupant's order hold across CPUs? Changes in a rendezvous. */
extern bool sched_order_is_global;

static inline bool sched_global_order(void)
{
    return sched_order_is_global;
}

/* May `policy` hold threads: is it the occupant, or has it a part in the hand-over? In a rendezvous. */
bool sched_may_hold(const struct policy *policy);

/*
 * Gives a thread that is in no queue to the occupant, in a hand-over to the new one. Context: interrupts off, the
 * thread table's lock held.
 */
void sched_adopt(struct thread *thread);

/*
 * What the core's copies of the records say, sorted by thread, into a heap block that the caller frees; returns their
 * count or -ENOMEM.
 */
struct sched_record_info {
    uint32_t thread;
    struct sched_record record;
};
int sched_records_snapshot(struct sched_record_info **list);

#endif
