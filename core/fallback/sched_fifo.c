/*
 * sched_fifo.c - the built-in fallback of the `sched` slot: first in, first out, with preemption.
 *
 * Threads run in the order in which they became runnable, each until it waits or yields. So that the machine stays
 * alive whatever they do, one that has run for FIFO_TICKS timer ticks goes to the end. It is the smallest policy that
 * does: it knows no weight, priority, slice or lag, and leaves what a record says of them alone.
 *
 * Entry point: sched_fifo_ops. Context and locks: as in sched.h. All functions are O(1), offer() apart.
 */
#include <moult/sched.h>
#include <sys/queue.h>

#define FIFO_TICKS 10

struct sched_entity {
    TAILQ_ENTRY(sched_entity) link;
};

struct sched_queue {
    TAILQ_HEAD(fifo_threads, sched_entity) threads; /* the running one too */
    uint32_t ticks;                                 /* that the running one has used since it started */
};

static void fifo_queue_init(struct sched_queue *queue, unsigned cpu)
{
    (void)cpu;
    TAILQ_INIT(&queue->threads);
}

static void fifo_load(struct sched_entity *entity, const struct sched_record *record)
{
    (void)entity;
    (void)record;
}

static void fifo_save(const struct sched_queue *queue, const struct sched_entity *entity, struct sched_record *record)
{
    (void)queue;
    (void)entity;
    (void)record;
}

static void fifo_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    (void)reason;
    TAILQ_INSERT_TAIL(&queue->threads, entity, link);
}

static void fifo_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    (void)reason;
    TAILQ_REMOVE(&queue->threads, entity, link);
}

static struct sched_entity *fifo_choose(struct sched_queue *queue, struct sched_entity *running)
{
    (void)running;
    return TAILQ_FIRST(&queue->threads);
}

static void fifo_started(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next)
{
    (void)previous;
    (void)next;
    queue->ticks = 0;
}

static void fifo_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    TAILQ_REMOVE(&queue->threads, running, link);
    TAILQ_INSERT_TAIL(&queue->threads, running, link);
    queue->ticks = 0;
}

static bool fifo_tick(struct sched_queue *queue, struct sched_entity *running)
{
    if (++queue->ticks < FIFO_TICKS)
        return false;
    fifo_yielded(queue, running);
    return true;
}

/* From the end: whoever has longest to wait gains most by moving. */
static struct sched_entity *fifo_offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu)
{
    struct sched_entity *entity = TAILQ_LAST(&queue->threads, fifo_threads);

    for (int looked = 0; entity && looked < SCHED_OFFER_DEPTH; looked++) {
        if (entity != running && (sched_facts(entity)->affinity >> cpu & 1))
            return entity;
        entity = TAILQ_PREV(entity, fifo_threads, link);
    }
    return NULL;
}

const struct sched_ops sched_fifo_ops = {
    .entity_bytes = sizeof(struct sched_entity),
    .queue_bytes = sizeof(struct sched_queue),
    .record_version = SCHED_RECORD_VERSION,
    .queue_init = fifo_queue_init,
    .load = fifo_load,
    .save = fifo_save,
    .enqueue = fifo_enqueue,
    .dequeue = fifo_dequeue,
    .choose = fifo_choose,
    .started = fifo_started,
    .yielded = fifo_yielded,
    .tick = fifo_tick,
    .offer = fifo_offer,
};
