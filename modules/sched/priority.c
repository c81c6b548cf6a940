/*
 * priority.c - the module sched-priority: strict priorities, as POSIX's SCHED_RR.
 *
 * The thread with the highest priority runs; one that becomes runnable takes the CPU from any lower one at once, on
 * whichever CPU that is (SCHED_GLOBAL_ORDER). Threads of one priority get equal turns of PRIORITY_TICKS timer ticks,
 * one after the other. A thread that is preempted goes on with the rest of its turn before its equals.
 *
 * Each priority has a ring of threads, the running one too, and a bit in a map that says that the ring is not empty.
 * All functions are O(1), offer() apart. Context and locks: as in sched.h.
 */
#include <moult/module.h>
#include <moult/ring.h>
#include <moult/sched.h>
#include <moult/slice.h>

#define PRIORITY_TICKS 4 /* a turn */
#define LEVELS (PRIORITY_MAX + 1)
#define WORDS ((LEVELS + 63) / 64)

struct sched_entity {
    struct ring ring; /* first, so that a ring's member is an entity */
    uint32_t ticks;   /* left of its turn, 1 … PRIORITY_TICKS */
};

struct sched_queue {
    uint64_t map[WORDS];       /* bit p: level p is not empty */
    struct ring *turn[LEVELS]; /* whose turn it is on each level */
};

static struct ring **level_of(struct sched_queue *queue, const struct sched_entity *entity)
{
    return &queue->turn[sched_facts(entity)->priority];
}

/* The highest level that is not empty, of those below `limit`; -1: there is none. */
static int highest_level(const struct sched_queue *queue, unsigned limit)
{
    for (int word = WORDS - 1; word >= 0; word--) {
        uint64_t bits = queue->map[word];

        if (limit < (word + 1) * 64u)
            bits = limit > word * 64u ? bits & ((1ull << (limit - word * 64u)) - 1) : 0;
        if (bits)
            return word * 64 + 63 - __builtin_clzll(bits);
    }
    return -1;
}

static void priority_queue_init(struct sched_queue *queue, unsigned cpu)
{
    (void)cpu;
    *queue = (struct sched_queue){.map = {0}};
}

static void priority_load(struct sched_entity *entity, const struct sched_record *record)
{
    entity->ticks = slice_load(record, PRIORITY_TICKS);
}

static void priority_save(const struct sched_queue *queue, const struct sched_entity *entity,
                          struct sched_record *record)
{
    (void)queue;
    slice_save(record, entity->ticks);
}

static void priority_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    uint32_t priority = sched_facts(entity)->priority;

    (void)reason;
    ring_append(&queue->turn[priority], &entity->ring);
    queue->map[priority / 64] |= 1ull << priority % 64;
}

static void priority_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    uint32_t priority = sched_facts(entity)->priority;

    if (reason == SCHED_BLOCK)
        entity->ticks = PRIORITY_TICKS;
    ring_remove(&queue->turn[priority], &entity->ring);
    if (!queue->turn[priority])
        queue->map[priority / 64] &= ~(1ull << priority % 64);
}

static struct sched_entity *priority_choose(struct sched_queue *queue, struct sched_entity *running)
{
    int level = highest_level(queue, LEVELS);

    (void)running;
    return level < 0 ? NULL : (struct sched_entity *)queue->turn[level];
}

static void priority_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    running->ticks = PRIORITY_TICKS;
    *level_of(queue, running) = running->ring.next;
}

static bool priority_tick(struct sched_queue *queue, struct sched_entity *running)
{
    if (--running->ticks == 0)
        priority_yielded(queue, running);
    return priority_choose(queue, running) != running;
}

static bool priority_preempts(struct sched_queue *queue, struct sched_entity *running, struct sched_entity *waiting)
{
    (void)queue;
    return sched_facts(waiting)->priority > sched_facts(running)->priority;
}

/* In the order of choice, so that the highest that waits here is the first that another CPU sees. */
static struct sched_entity *priority_offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu)
{
    int looked = 0;

    for (int level = highest_level(queue, LEVELS); level >= 0; level = highest_level(queue, level)) {
        struct ring *member = queue->turn[level];
        do {
            struct sched_entity *entity = (struct sched_entity *)member;
            if (entity != running && (sched_facts(entity)->affinity >> cpu & 1))
                return entity;
            if (++looked == SCHED_OFFER_DEPTH)
                return NULL;
            member = member->next;
        } while (member != queue->turn[level]);
    }
    return NULL;
}

const struct sched_ops priority_ops = {
    .entity_bytes = sizeof(struct sched_entity),
    .queue_bytes = sizeof(struct sched_queue),
    .flags = SCHED_GLOBAL_ORDER,
    .record_version = SCHED_RECORD_VERSION,
    .queue_init = priority_queue_init,
    .load = priority_load,
    .save = priority_save,
    .enqueue = priority_enqueue,
    .dequeue = priority_dequeue,
    .choose = priority_choose,
    .yielded = priority_yielded,
    .tick = priority_tick,
    .preempts = priority_preempts,
    .offer = priority_offer,
};

MODULE_SLOT(sched, priority_ops);
MODULE("sched-priority", "1.0", "strict priorities, equal turns within one");
