/*
 * rr.c - the module sched-rr: round robin.
 *
 * Every thread of a queue gets a turn of RR_TICKS timer ticks, one after the other. A thread that gives its turn away
 * or leaves the queue has a whole turn again the next time; one that enters it goes to the end.
 *
 * The threads stand in a ring, the running one too, and `turn` points to the one whose turn it is. To go on is thus
 * one load and one store, and nothing needs to be told when a thread starts. All functions are O(1), offer() apart.
 * Context and locks: as in sched.h.
 */
#include <moult/module.h>
#include <moult/ring.h>
#include <moult/sched.h>
#include <moult/slice.h>

#define RR_TICKS 4 /* a turn */

struct sched_entity {
    struct ring ring; /* first, so that a ring's member is an entity */
    uint32_t ticks;   /* left of its turn, 1 … RR_TICKS */
};

struct sched_queue {
    struct ring *turn; /* whose turn it is; NULL: the queue is empty */
};

static void rr_queue_init(struct sched_queue *queue, unsigned cpu)
{
    (void)cpu;
    queue->turn = NULL;
}

static void rr_load(struct sched_entity *entity, const struct sched_record *record)
{
    entity->ticks = slice_load(record, RR_TICKS);
}

static void rr_save(const struct sched_queue *queue, const struct sched_entity *entity, struct sched_record *record)
{
    (void)queue;
    slice_save(record, entity->ticks);
}

static void rr_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    (void)reason;
    ring_append(&queue->turn, &entity->ring);
}

static void rr_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    (void)reason;
    entity->ticks = RR_TICKS;
    ring_remove(&queue->turn, &entity->ring);
}

static struct sched_entity *rr_choose(struct sched_queue *queue, struct sched_entity *running)
{
    (void)running;
    return (struct sched_entity *)queue->turn;
}

static void rr_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    running->ticks = RR_TICKS;
    queue->turn = running->ring.next;
}

static bool rr_tick(struct sched_queue *queue, struct sched_entity *running)
{
    if (--running->ticks)
        return false;
    rr_yielded(queue, running);
    return queue->turn != &running->ring;
}

/* From the end: whoever has longest to wait gains most by moving. */
static struct sched_entity *rr_offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu)
{
    struct ring *member = queue->turn;

    for (int looked = 0; member && looked < SCHED_OFFER_DEPTH; looked++) {
        member = member->previous;
        struct sched_entity *entity = (struct sched_entity *)member;
        if (entity != running && (sched_facts(entity)->affinity >> cpu & 1))
            return entity;
        if (member == queue->turn)
            break;
    }
    return NULL;
}

const struct sched_ops rr_ops = {
    .entity_bytes = sizeof(struct sched_entity),
    .queue_bytes = sizeof(struct sched_queue),
    .record_version = SCHED_RECORD_VERSION,
    .queue_init = rr_queue_init,
    .load = rr_load,
    .save = rr_save,
    .enqueue = rr_enqueue,
    .dequeue = rr_dequeue,
    .choose = rr_choose,
    .yielded = rr_yielded,
    .tick = rr_tick,
    .offer = rr_offer,
};

MODULE_SLOT(sched, rr_ops);
MODULE("sched-rr", "1.0", "round robin: equal turns, one after the other");
