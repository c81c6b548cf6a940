/*
 * lottery.c - the module sched-lottery: proportional share by chance.
 *
 * Waldspurger and Weihl, "Lottery Scheduling: Flexible Proportional-Share Resource Management", OSDI 1994. A thread's
 * weight is its number of tickets. At every timer tick, and whenever the CPU is free, a ticket is drawn and its
 * holder runs, so that a thread's share is in proportion to its tickets in the mean. A thread that waits after a
 * fraction f of a tick holds, as the paper's compensation tickets have it, 1/f times as many until it next runs,
 * LOTTERY_COMPENSATION times at most. A draw after a yield leaves the yielding thread out. Currencies and transfers
 * of tickets need an interface for threads and are left out.
 *
 * The threads are in a tree in which every node knows the sum of the tickets under it, so the holder of a ticket is
 * found in O(log n), and so are the others but offer(). The ticket is drawn when the past run is charged, and
 * choosing only looks up who holds it: to choose has no effect. Context and locks: as in sched.h.
 */
#include <moult/module.h>
#include <moult/sched.h>
#include <moult/tree.h>

#define LOTTERY_COMPENSATION 100

struct sched_entity {
    struct tree_node node; /* first, so that a tree's node is an entity */
    uint64_t tickets;
    uint64_t sum;  /* of the tickets of its subtree */
    uint64_t used; /* cycles since it started to run */
};

struct sched_queue {
    struct tree threads;         /* in no particular order; the running one too */
    struct sched_entity *passed; /* who yielded and is left out of the draw, or NULL */
    uint64_t state;              /* of the random numbers; never 0 */
};

static uint64_t sum_of(const struct tree_node *node)
{
    return node ? ((const struct sched_entity *)node)->sum : 0;
}

static bool add_up(struct tree_node *node)
{
    struct sched_entity *entity = (struct sched_entity *)node;
    uint64_t old = entity->sum;

    entity->sum = entity->tickets + sum_of(node->child[0]) + sum_of(node->child[1]);
    return entity->sum != old;
}

static bool at_the_end(const struct tree_node *a, const struct tree_node *b)
{
    (void)a;
    (void)b;
    return false;
}

/* The next random number: xorshift64 (Marsaglia 2003), whose high bits ticket_drawn() takes after a multiplication. */
static void draw(struct sched_queue *queue)
{
    queue->state ^= queue->state << 13;
    queue->state ^= queue->state >> 7;
    queue->state ^= queue->state << 17;
}

/* The number drawn, scaled to 0 … `tickets` - 1. */
static uint64_t ticket_drawn(const struct sched_queue *queue, uint64_t tickets)
{
    return (unsigned __int128)(queue->state * 0x2545f4914f6cdd1d) * tickets >> 64;
}

/* How many tickets come before those of `entity`. */
static uint64_t tickets_before(const struct sched_entity *entity)
{
    const struct tree_node *node = &entity->node;
    uint64_t tickets = sum_of(node->child[0]);

    for (; node->parent; node = node->parent)
        if (node->parent->child[1] == node)
            tickets += sum_of(node->parent) - sum_of(node);
    return tickets;
}

/* The same seed on every run, so that a run can be repeated. */
static void lottery_queue_init(struct sched_queue *queue, unsigned cpu)
{
    *queue = (struct sched_queue){.state = 0x9e3779b97f4a7c15 * (cpu + 1)};
}

static void lottery_load(struct sched_entity *entity, const struct sched_record *record)
{
    (void)record;
    entity->used = 0;
}

static void lottery_save(const struct sched_queue *queue, const struct sched_entity *entity,
                         struct sched_record *record)
{
    (void)queue;
    (void)entity;
    (void)record;
}

static void lottery_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    uint64_t times = 1;

    if (reason == SCHED_WAKE && entity->used)
        times = entity->used < sched_tick_cycles / LOTTERY_COMPENSATION ? LOTTERY_COMPENSATION
                                                                        : sched_tick_cycles / entity->used;
    entity->tickets = sched_facts(entity)->weight * (times ? times : 1);
    tree_insert(&queue->threads, &entity->node, at_the_end, add_up);
}

static void lottery_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    (void)reason;
    if (queue->passed == entity)
        queue->passed = NULL;
    tree_remove(&queue->threads, &entity->node, add_up);
    draw(queue);
}

static struct sched_entity *lottery_choose(struct sched_queue *queue, struct sched_entity *running)
{
    struct tree_node *node = queue->threads.root;
    uint64_t left_out = queue->passed ? queue->passed->tickets : 0;

    (void)running;
    if (left_out == sum_of(node))
        return queue->passed;
    uint64_t ticket = ticket_drawn(queue, sum_of(node) - left_out);
    if (queue->passed && ticket >= tickets_before(queue->passed))
        ticket += left_out;
    for (;;) {
        struct sched_entity *entity = (struct sched_entity *)node;
        if (ticket < sum_of(node->child[0])) {
            node = node->child[0];
            continue;
        }
        ticket -= sum_of(node->child[0]);
        if (ticket < entity->tickets)
            return entity;
        ticket -= entity->tickets;
        node = node->child[1];
    }
}

/* Compensation ends as a thread starts. */
static void lottery_started(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next)
{
    uint64_t tickets = sched_facts(next)->weight;

    (void)previous;
    next->used = 0;
    if (next->tickets != tickets) {
        next->tickets = tickets;
        tree_mend(&queue->threads, &next->node, NULL, add_up);
    }
}

static void lottery_charge(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles)
{
    running->used += cycles;
    queue->passed = NULL;
    draw(queue);
}

static void lottery_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    queue->passed = running;
}

static bool lottery_tick(struct sched_queue *queue, struct sched_entity *running)
{
    running->used = 0;
    return lottery_choose(queue, running) != running;
}

static struct sched_entity *lottery_offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu)
{
    struct tree_node *node = queue->threads.first;

    for (int looked = 0; node && looked < SCHED_OFFER_DEPTH; looked++) {
        struct sched_entity *entity = (struct sched_entity *)node;
        if (entity != running && (sched_facts(entity)->affinity >> cpu & 1))
            return entity;
        node = tree_step(node, 1);
    }
    return NULL;
}

const struct sched_ops lottery_ops = {
    .entity_bytes = sizeof(struct sched_entity),
    .queue_bytes = sizeof(struct sched_queue),
    .record_version = SCHED_RECORD_VERSION,
    .queue_init = lottery_queue_init,
    .load = lottery_load,
    .save = lottery_save,
    .enqueue = lottery_enqueue,
    .dequeue = lottery_dequeue,
    .choose = lottery_choose,
    .started = lottery_started,
    .charge = lottery_charge,
    .yielded = lottery_yielded,
    .tick = lottery_tick,
    .offer = lottery_offer,
};

MODULE_SLOT(sched, lottery_ops);
MODULE("sched-lottery", "1.0", "lottery scheduling: shares in proportion to weights, by chance");
