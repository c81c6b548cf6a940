/*
 * sched_private.h - what core/sched_slot.c, core/sched_handover.c and core/sched_dispatch.c share: the policies'
 * queues, the records, and the hand-over under way.
 *
 * While a hand-over is under way every call to the slot goes to core/sched_dispatch.c, which asks the policy that
 * holds the thread. A thread moves under the lock of its CPU's queue, so each is in exactly one policy at any time.
 */
#ifndef CORE_SCHED_PRIVATE_H
#define CORE_SCHED_PRIVATE_H

#include "core/run_queue.h"
#include "core/sched_slot.h"

/*
 * The hand-over under way; `from` is NULL if there is none. Changes in a rendezvous, but for `left` (under the queue
 * lock of its CPU), `moved` and `failure` (any CPU, atomically).
 */
struct sched_handover {
    struct policy *from, *to;
    uint32_t left[CPU_MAX]; /* threads that `from` still has in its queue of each CPU */
    uint64_t moved;
    struct policy *culprit;         /* the policy that broke its contract meanwhile; NULL: neither */
    volatile bool told;             /* `breach` is written */
    char breach[SLOT_REASON_BYTES]; /* how */
};

extern struct sched_handover sched_handover;

/* The dispatcher's functions: what the call sites lead to during a hand-over. core/sched_dispatch.c. */
extern const struct sched_ops sched_dispatch_ops;

/* How a scheduler runs in shadow: core/sched_shadow.c. */
extern const struct shadow_type sched_shadow_type;

static inline const struct sched_ops *sched_ops_of(const struct policy *policy)
{
    return policy->ops;
}

static inline size_t sched_queue_stride(const struct policy *policy)
{
    return (sched_ops_of(policy)->queue_bytes + 63u) & ~63u;
}

static inline struct sched_queue *sched_queue_of(const struct policy *policy, const struct cpu *cpu)
{
    return (struct sched_queue *)((uint8_t *)policy->memory + cpu->index * sched_queue_stride(policy));
}

/* The policy of the hand-over that has the thread's entity. */
static inline struct policy *sched_holder(const struct thread *thread)
{
    const struct policy *to = sched_handover.to;
    return (const uint8_t *)thread->entity == thread->entities[to->side] ? sched_handover.to : sched_handover.from;
}

/* Gives `policy` a thread that is in no queue, with what the core's copy of its record says. */
static inline void sched_give(struct policy *policy, struct thread *thread)
{
    thread->home = policy;
    thread->entity = (struct sched_entity *)thread->entities[policy->side];
    sched_ops_of(policy)->load(thread->entity, &thread->record);
}

/*
 * Has `from` write the record of a thread, which is in `queue` or, NULL, in none, and takes it over into the core's
 * copy if it is within bounds. False: it is not; the core keeps what it had.
 */
bool sched_save(const struct policy *from, const struct sched_queue *queue, struct thread *thread);

/*
 * Moves one thread from `from` to `to`: in a queue, or in none. Queue lock held. A record that is out of bounds is
 * noted as a breach by `from`.
 */
void sched_move_queued(struct cpu *cpu, struct thread *thread);
void sched_move_waiting(struct thread *thread);

/* Takes note of what the core's paths look at of a policy. In a rendezvous. */
void sched_look_at(const struct policy *policy);

/* Notes a breach of its contract by one of the two policies of the hand-over. The first one counts. */
__attribute__((format(printf, 2, 3))) void sched_breach(struct policy *culprit, const char *breach, ...);

/* The slot type's functions of a hand-over (core/slot.h). */
void sched_handover_begin(struct policy *from, struct policy *to);
int sched_handover_step(struct slot_progress *progress);
void sched_handover_breach(const struct module *module, const char *what);
int sched_handover_finish(struct policy **culprit, struct failure *why);
int sched_handover_rebuild(struct policy *to, uint64_t *moved);

#endif
