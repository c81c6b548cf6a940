/*
 * stride.c - the module sched-stride: proportional share by stride scheduling.
 *
 * Waldspurger and Weihl, "Stride Scheduling: Deterministic Proportional-Share Resource Management", MIT/LCS/TM-528,
 * 1995. Every thread has a pass, which moves on by a stride inversely proportional to its weight for what it runs;
 * the thread with the smallest pass runs, and is looked at again at every timer tick. As in the paper's dynamic form,
 * a thread that leaves remembers how far it was from the queue's global pass and comes back as far from it. The pass
 * is a virtual time and that distance a lag (virtual_time.h), which is how they outlive a spell under another
 * scheduler.
 *
 * A thread that yields is set behind the one with the next smallest pass, and so gives up as little as lets another
 * run.
 *
 * The running thread stands beside the tree of the others, since its pass changes. enqueue(), dequeue(), started()
 * are O(log n), the rest O(1), offer() apart. Context and locks: as in sched.h.
 */
#include "virtual_time.h"
#include <moult/module.h>
#include <moult/sched.h>
#include <moult/tree.h>

struct sched_entity {
    struct tree_node node;      /* first, so that a tree's node is an entity; unused while it runs */
    struct virtual_share share; /* share.time is its pass */
};

struct sched_queue {
    struct tree waiting; /* by pass */
    struct sched_entity *running;
    struct virtual_clock clock; /* the global pass */
};

static bool before(const struct tree_node *a, const struct tree_node *b)
{
    const struct sched_entity *one = (const struct sched_entity *)a, *other = (const struct sched_entity *)b;

    return (int64_t)(one->share.time - other->share.time) < 0;
}

static void stride_queue_init(struct sched_queue *queue, unsigned cpu)
{
    (void)cpu;
    *queue = (struct sched_queue){.running = NULL};
}

static void stride_load(struct sched_entity *entity, const struct sched_record *record)
{
    int64_t lag = record->fields & SCHED_HAS_LAG ? record->lag : 0;

    entity->share = (struct virtual_share){.lag = virtual_clamp(lag, VIRTUAL_LAG_MAX)};
}

static void stride_save(const struct sched_queue *queue, const struct sched_entity *entity, struct sched_record *record)
{
    record->lag = queue ? virtual_lag(&queue->clock, &entity->share) : entity->share.lag;
    record->fields |= SCHED_HAS_LAG;
}

static void stride_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    virtual_weigh(&entity->share, sched_facts(entity));
    virtual_join(&queue->clock, &entity->share, reason);
    tree_insert(&queue->waiting, &entity->node, before, NULL);
}

static void stride_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    virtual_leave(&queue->clock, &entity->share, reason);
    if (queue->running == entity)
        queue->running = NULL;
    else
        tree_remove(&queue->waiting, &entity->node, NULL);
}

/* Among equals the running one is last, so that after a yield another runs. */
static struct sched_entity *stride_choose(struct sched_queue *queue, struct sched_entity *running)
{
    struct tree_node *first = queue->waiting.first;

    running = queue->running;
    if (!first || (running && before(&running->node, first)))
        return running;
    return (struct sched_entity *)first;
}

static void stride_started(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next)
{
    previous = queue->running;
    if (previous == next)
        return;
    tree_remove(&queue->waiting, &next->node, NULL);
    if (previous)
        tree_insert(&queue->waiting, &previous->node, before, NULL);
    queue->running = next;
}

/* A thread whose weight was changed while it ran has gone to the tree and is fetched back. */
static void stride_charge(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles)
{
    stride_started(queue, NULL, running);
    virtual_charge(&queue->clock, &running->share, cycles);
}

static void stride_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    struct tree_node *first = queue->waiting.first;

    if (first && before(&running->node, first))
        virtual_advance(&queue->clock, &running->share,
                        ((struct sched_entity *)first)->share.time - running->share.time);
}

static bool stride_tick(struct sched_queue *queue, struct sched_entity *running)
{
    virtual_settle(&queue->clock);
    return stride_choose(queue, running) != running;
}

/* From the end: whoever has longest to wait gains most by moving. */
static struct sched_entity *stride_offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu)
{
    struct tree_node *node = tree_outermost(queue->waiting.root, 1);

    for (int looked = 0; node && looked < SCHED_OFFER_DEPTH; looked++) {
        struct sched_entity *entity = (struct sched_entity *)node;
        if (entity != running && (sched_facts(entity)->affinity >> cpu & 1))
            return entity;
        node = tree_step(node, 0);
    }
    return NULL;
}

const struct sched_ops stride_ops = {
    .entity_bytes = sizeof(struct sched_entity),
    .queue_bytes = sizeof(struct sched_queue),
    .record_version = SCHED_RECORD_VERSION,
    .queue_init = stride_queue_init,
    .load = stride_load,
    .save = stride_save,
    .enqueue = stride_enqueue,
    .dequeue = stride_dequeue,
    .choose = stride_choose,
    .started = stride_started,
    .charge = stride_charge,
    .yielded = stride_yielded,
    .tick = stride_tick,
    .offer = stride_offer,
};

MODULE_SLOT(sched, stride_ops);
MODULE("sched-stride", "1.0", "stride scheduling: shares in proportion to weights");
