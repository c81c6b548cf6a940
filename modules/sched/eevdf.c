/*
 * eevdf.c - the module sched-eevdf: earliest eligible virtual deadline first.
 *
 * Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline First: A Flexible and Accurate Mechanism for
 * Proportional Share Resource Allocation", TR-95-22, Old Dominion University, 1995; since 6.6 also Linux's fair class,
 * whose behaviour this follows.
 *
 * Each thread asks for the CPU in requests of EEVDF_SLICE. It is eligible while its lag is not negative: while it has
 * not had more than its share. A request's virtual deadline is when it would be fulfilled at the thread's share of the
 * CPU: its virtual time + slice / weight. The eligible thread with the earliest deadline runs. That keeps every lag
 * within about a slice.
 *   - A request that is fulfilled, which is looked at every tick, is followed by the next, and by a choice.
 *   - A thread that becomes runnable takes the CPU if it is eligible and its deadline is earlier than the running
 *     one's.
 *   - Lag is kept across sleep, within two slices. A wait ends a request.
 *   - A thread that yields forfeits the rest of its request: it counts as used.
 *
 * The running thread stands beside the others. Those whose deadline and virtual time are both not before those of the
 * last in a line go to its end: then nobody in the line can be chosen before its first. Threads of like weight that
 * take turns do so in O(1). Any other goes to a tree by deadline in which each node knows the earliest virtual time
 * under it, so that what is not eligible is passed over: O(log n), as are all functions but offer(). Context and
 * locks: as in sched.h.
 */
#include "virtual_time.h"
#include <moult/module.h>
#include <moult/ring.h>
#include <moult/sched.h>
#include <moult/tree.h>

#define EEVDF_SLICE (sched_clock_hz * 3 / 1000) /* 3 ms, in cycles */

/* For what the shortest paths seldom need: called last, it costs them no register. */
#define SELDOM __attribute__((noinline, cold))

enum place { IN_LINE, IN_TREE };

struct sched_entity {
    union { /* first, so that a ring's member or a tree's node is an entity */
        struct ring ring;
        struct tree_node node;
    };
    struct virtual_share share;
    uint64_t deadline; /* virtual, while it is queued */
    uint64_t request;  /* a whole slice in virtual time */
    uint64_t left;     /* cycles left of its request, while it is in no queue */
    uint64_t earliest; /* virtual time in its subtree, while in the tree */
    enum place place;  /* while it is queued and does not run */
};

struct sched_queue {
    struct sched_entity *running;
    struct ring *line; /* by deadline and by virtual time */
    struct tree tree;  /* by deadline */
    struct virtual_clock clock;
};

static bool earlier(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

static struct sched_entity *entity_of(const void *member)
{
    return (struct sched_entity *)member;
}

static bool before(const struct tree_node *a, const struct tree_node *b)
{
    return earlier(entity_of(a)->deadline, entity_of(b)->deadline);
}

static bool find_earliest(struct tree_node *node)
{
    uint64_t earliest = entity_of(node)->share.time;

    for (int side = 0; side < 2; side++)
        if (node->child[side] && earlier(entity_of(node->child[side])->earliest, earliest))
            earliest = entity_of(node->child[side])->earliest;
    bool changed = entity_of(node)->earliest != earliest;
    entity_of(node)->earliest = earliest;
    return changed;
}

static bool eligible(const struct sched_queue *queue, const struct sched_entity *entity)
{
    return virtual_reached(&queue->clock, entity->share.time);
}

static SELDOM void put_in_tree(struct sched_queue *queue, struct sched_entity *entity)
{
    tree_insert(&queue->tree, &entity->node, before, find_earliest);
    entity->place = IN_TREE;
}

static SELDOM void take_from_tree(struct sched_queue *queue, struct sched_entity *entity)
{
    tree_remove(&queue->tree, &entity->node, find_earliest);
}

/* Puts a thread among those that wait. */
static inline void put(struct sched_queue *queue, struct sched_entity *entity)
{
    if (queue->line) {
        const struct sched_entity *last = entity_of(queue->line->previous);
        if (earlier(entity->deadline, last->deadline) || earlier(entity->share.time, last->share.time)) {
            put_in_tree(queue, entity);
            return;
        }
    }
    ring_append(&queue->line, &entity->ring);
    entity->place = IN_LINE;
}

static void eevdf_queue_init(struct sched_queue *queue, unsigned cpu)
{
    (void)cpu;
    *queue = (struct sched_queue){.running = NULL};
}

/* A lag beyond two slices, or a tick where that is longer, is forgotten: nobody may save up service. */
static int64_t within_limit(int64_t lag)
{
    uint64_t limit = 2 * EEVDF_SLICE > sched_tick_cycles ? 2 * EEVDF_SLICE : sched_tick_cycles;

    return virtual_clamp(lag, limit < VIRTUAL_LAG_MAX ? limit : VIRTUAL_LAG_MAX);
}

static void eevdf_load(struct sched_entity *entity, const struct sched_record *record)
{
    *entity = (struct sched_entity){.left = EEVDF_SLICE};
    if (record->fields & SCHED_HAS_LAG)
        entity->share.lag = within_limit(record->lag);
    if ((record->fields & SCHED_HAS_SLICE) && record->slice && record->slice < EEVDF_SLICE)
        entity->left = record->slice;
}

/* Cycles left of a queued thread's request; a request that is fulfilled is followed by a whole one. */
static uint64_t cycles_left(const struct sched_entity *entity)
{
    uint64_t distance = entity->deadline - entity->share.time;

    if (distance - 1 >= entity->request)
        return EEVDF_SLICE;
    return (distance * entity->share.weight + VIRTUAL_CYCLE / 2) >> VIRTUAL_CYCLE_SHIFT;
}

static void eevdf_save(const struct sched_queue *queue, const struct sched_entity *entity, struct sched_record *record)
{
    record->lag = queue ? within_limit(virtual_lag(&queue->clock, &entity->share)) : entity->share.lag;
    record->slice = queue ? cycles_left(entity) : entity->left;
    record->fields |= SCHED_HAS_LAG | SCHED_HAS_SLICE;
}

static void eevdf_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    struct virtual_share *share = &entity->share;

    if (virtual_weigh(share, sched_facts(entity)))
        entity->request = EEVDF_SLICE * VIRTUAL_CYCLE / share->weight;
    virtual_join(&queue->clock, share, reason);
    entity->deadline = share->time +
                       (entity->left == EEVDF_SLICE ? entity->request : entity->left * VIRTUAL_CYCLE / share->weight);
    put(queue, entity);
}

static void eevdf_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    if (queue->running == entity)
        queue->running = NULL;
    else if (entity->place == IN_LINE)
        ring_remove(&queue->line, &entity->ring);
    else
        take_from_tree(queue, entity);
    entity->left = reason == SCHED_BLOCK ? EEVDF_SLICE : cycles_left(entity);
    virtual_leave(&queue->clock, &entity->share, reason);
    entity->share.lag = within_limit(entity->share.lag);
}

/*
 * The thread with the earliest virtual time. Only needed while a hand-over holds the mean still: else somebody is at
 * or before it.
 */
static struct sched_entity *least_served(const struct sched_queue *queue)
{
    struct sched_entity *least = queue->running, *first = entity_of(queue->line);
    struct tree_node *node = queue->tree.root;

    if (first && (!least || earlier(first->share.time, least->share.time)))
        least = first;
    if (!node || (least && !earlier(entity_of(node)->earliest, least->share.time)))
        return least;
    for (uint64_t earliest = entity_of(node)->earliest; entity_of(node)->share.time != earliest;) {
        struct tree_node *left = node->child[0];
        node = left && entity_of(left)->earliest == earliest ? left : node->child[1];
    }
    return entity_of(node);
}

/*
 * The better of `best`, which may be NULL, and the eligible thread with the earliest deadline in the tree. Under a
 * node, its left side's come first, if any is eligible.
 */
static SELDOM struct sched_entity *choose_in_tree(const struct sched_queue *queue, struct sched_entity *best)
{
    struct tree_node *node = queue->tree.root;

    while (node) {
        struct tree_node *left = node->child[0];
        if (left && virtual_reached(&queue->clock, entity_of(left)->earliest)) {
            node = left;
        } else if (eligible(queue, entity_of(node))) {
            if (!best || earlier(entity_of(node)->deadline, best->deadline))
                best = entity_of(node);
            break;
        } else {
            node = node->child[1];
        }
    }
    return best ? best : least_served(queue);
}

/* Among equals the running one is last. */
static struct sched_entity *eevdf_choose(struct sched_queue *queue, struct sched_entity *running)
{
    struct sched_entity *best = entity_of(queue->line);

    if (best && !eligible(queue, best))
        best = NULL;
    running = queue->running;
    if (running && (!best || earlier(running->deadline, best->deadline)) && eligible(queue, running))
        best = running;
    return best && !queue->tree.root ? best : choose_in_tree(queue, best);
}

static SELDOM void started_from_tree(struct sched_queue *queue, struct sched_entity *previous,
                                     struct sched_entity *next)
{
    take_from_tree(queue, next);
    queue->running = next;
    if (previous)
        put(queue, previous);
}

static void eevdf_started(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next)
{
    previous = queue->running;
    if (previous == next)
        return;
    if (next->place == IN_TREE) {
        started_from_tree(queue, previous, next);
        return;
    }
    ring_remove(&queue->line, &next->ring);
    queue->running = next;
    if (previous)
        put(queue, previous);
}

/* A thread whose weight was changed while it ran has gone among the others and is fetched back. */
static SELDOM void fetch_and_charge(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles)
{
    eevdf_started(queue, NULL, running);
    virtual_charge(&queue->clock, &running->share, cycles);
}

static void eevdf_charge(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles)
{
    if (queue->running == running)
        virtual_charge(&queue->clock, &running->share, cycles);
    else
        fetch_and_charge(queue, running, cycles);
}

static void eevdf_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    if (earlier(running->share.time, running->deadline))
        virtual_advance(&queue->clock, &running->share, running->deadline - running->share.time);
    running->deadline = running->share.time + running->request;
}

/* A request is fulfilled at the tick that is nearest to its end. */
static bool eevdf_tick(struct sched_queue *queue, struct sched_entity *running)
{
    int64_t left = (int64_t)(running->deadline - running->share.time) * running->share.weight >> VIRTUAL_CYCLE_SHIFT;

    virtual_settle(&queue->clock);
    if (left > (int64_t)sched_tick_cycles / 2)
        return false;
    running->deadline = running->share.time + running->request;
    return true;
}

static bool eevdf_preempts(struct sched_queue *queue, struct sched_entity *running, struct sched_entity *waiting)
{
    return earlier(waiting->deadline, running->deadline) && eligible(queue, waiting);
}

/* Those at the line's end have longest to wait and gain most by moving. */
static struct sched_entity *eevdf_offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu)
{
    struct ring *member = queue->line;
    struct tree_node *node = tree_outermost(queue->tree.root, 1);
    int looked = 0;

    while (member && looked++ < SCHED_OFFER_DEPTH) {
        member = member->previous;
        if (entity_of(member) != running && (sched_facts(entity_of(member))->affinity >> cpu & 1))
            return entity_of(member);
        if (member == queue->line)
            break;
    }
    for (; node && looked++ < SCHED_OFFER_DEPTH; node = tree_step(node, 0))
        if (entity_of(node) != running && (sched_facts(entity_of(node))->affinity >> cpu & 1))
            return entity_of(node);
    return NULL;
}

const struct sched_ops eevdf_ops = {
    .entity_bytes = sizeof(struct sched_entity),
    .queue_bytes = sizeof(struct sched_queue),
    .record_version = SCHED_RECORD_VERSION,
    .queue_init = eevdf_queue_init,
    .load = eevdf_load,
    .save = eevdf_save,
    .enqueue = eevdf_enqueue,
    .dequeue = eevdf_dequeue,
    .choose = eevdf_choose,
    .started = eevdf_started,
    .charge = eevdf_charge,
    .yielded = eevdf_yielded,
    .tick = eevdf_tick,
    .preempts = eevdf_preempts,
    .offer = eevdf_offer,
};

MODULE_SLOT(sched, eevdf_ops);
MODULE("sched-eevdf", "1.0", "earliest eligible virtual deadline first, with lag");
