/*
 * sched_dispatch.c - the scheduler's slot while two policies share the threads: each call goes to the policy that
 * holds the thread.
 *
 * Whatever becomes runnable or starts to run moves first, alone, so that the running thread is always the new
 * policy's. When the new one has nothing to choose, the old one is asked. In place of a policy's queue the core passes
 * the CPU (sched_handover_begin()). Context: as in moult/sched.h.
 */
#include "core/sched_private.h"

static struct cpu *cpu_of(struct sched_queue *queue)
{
    return (struct cpu *)queue;
}

static struct thread *thread_at(const struct sched_entity *entity)
{
    return thread_of((uintptr_t)entity);
}

/* `entity` if `policy` holds its thread, else NULL. */
static struct sched_entity *held_by(const struct policy *policy, struct sched_entity *entity)
{
    return entity && sched_holder(thread_at(entity)) == policy ? entity : NULL;
}

static void dispatch_load(struct sched_entity *entity, const struct sched_record *record)
{
    sched_ops_of(sched_handover.to)->load(entity, record);
}

static void dispatch_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    struct thread *thread = thread_at(entity);
    const struct policy *to = sched_handover.to;
    if (sched_holder(thread) != to)
        sched_move_waiting(thread);
    sched_ops_of(to)->enqueue(sched_queue_of(to, cpu_of(queue)), thread->entity, reason);
}

static void dispatch_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    const struct policy *holder = sched_holder(thread_at(entity));
    if (holder == sched_handover.from)
        sched_handover.left[cpu_of(queue)->index]--;
    sched_ops_of(holder)->dequeue(sched_queue_of(holder, cpu_of(queue)), entity, reason);
}

/* What one of the two would run, if it is in the queue. */
static struct sched_entity *choice_of(struct policy *policy, struct cpu *cpu, struct sched_entity *running)
{
    struct sched_entity *chosen = sched_ops_of(policy)->choose(sched_queue_of(policy, cpu), held_by(policy, running));
    if (!chosen)
        return NULL;
    if (run_queue_has(cpu, thread_at(chosen)) && held_by(policy, chosen))
        return chosen;
    sched_breach(policy, "chose what is not in its queue of CPU %u", cpu->index);
    return NULL;
}

static struct sched_entity *dispatch_choose(struct sched_queue *queue, struct sched_entity *running)
{
    struct cpu *cpu = cpu_of(queue);
    struct sched_entity *chosen = choice_of(sched_handover.to, cpu, running);
    if (!chosen)
        chosen = choice_of(sched_handover.from, cpu, running);
    if (!chosen && cpu->runnable > 0)
        sched_breach(sched_handover.left[cpu->index] ? sched_handover.from : sched_handover.to,
                     "finds none of its threads on CPU %u", cpu->index);
    return chosen;
}

static void dispatch_started(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next)
{
    struct thread *thread = thread_at(next);
    const struct policy *to = sched_handover.to;
    if (sched_holder(thread) != to)
        sched_move_queued(cpu_of(queue), thread);
    if (sched_ops_of(to)->started)
        sched_ops_of(to)->started(sched_queue_of(to, cpu_of(queue)), held_by(to, previous), thread->entity);
}

static void dispatch_charge(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles)
{
    const struct policy *holder = sched_holder(thread_at(running));
    if (sched_ops_of(holder)->charge)
        sched_ops_of(holder)->charge(sched_queue_of(holder, cpu_of(queue)), running, cycles);
}

static void dispatch_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    const struct policy *holder = sched_holder(thread_at(running));
    if (sched_ops_of(holder)->yielded)
        sched_ops_of(holder)->yielded(sched_queue_of(holder, cpu_of(queue)), running);
}

static bool dispatch_tick(struct sched_queue *queue, struct sched_entity *running)
{
    const struct policy *holder = sched_holder(thread_at(running));
    return sched_ops_of(holder)->tick(sched_queue_of(holder, cpu_of(queue)), running);
}

/* The new policy's order; a thread that is the old one's still has no say. */
static bool dispatch_preempts(struct sched_queue *queue, struct sched_entity *running, struct sched_entity *waiting)
{
    const struct policy *to = sched_handover.to;
    if (!sched_ops_of(to)->preempts || !held_by(to, running))
        return false;
    if (!held_by(to, waiting) && !(sched_ops_of(to)->flags & SCHED_GLOBAL_ORDER))
        return false;
    return sched_ops_of(to)->preempts(sched_queue_of(to, cpu_of(queue)), running, waiting);
}

static struct sched_entity *offer_of(struct policy *policy, struct cpu *cpu, struct sched_entity *running, unsigned to)
{
    struct sched_entity *offered = sched_ops_of(policy)->offer(sched_queue_of(policy, cpu), held_by(policy, running),
                                                               to);
    if (!offered || (run_queue_has(cpu, thread_at(offered)) && held_by(policy, offered)))
        return offered;
    sched_breach(policy, "offered what is not in its queue of CPU %u", cpu->index);
    return NULL;
}

static struct sched_entity *dispatch_offer(struct sched_queue *queue, struct sched_entity *running, unsigned to)
{
    struct sched_entity *offered = offer_of(sched_handover.to, cpu_of(queue), running, to);
    return offered ? offered : offer_of(sched_handover.from, cpu_of(queue), running, to);
}

const struct sched_ops sched_dispatch_ops = {
    .load = dispatch_load,
    .enqueue = dispatch_enqueue,
    .dequeue = dispatch_dequeue,
    .choose = dispatch_choose,
    .started = dispatch_started,
    .charge = dispatch_charge,
    .yielded = dispatch_yielded,
    .tick = dispatch_tick,
    .preempts = dispatch_preempts,
    .offer = dispatch_offer,
};
