/*
 * sched.c - the module bad-sched: round robin, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`). Before that it is as
 * good as sched-rr, and so passes every check of the swap. tests/system/torture goes through them all.
 */
#include "faults.h"
#include <moult/errors.h>
#include <moult/module.h>
#include <moult/ring.h>
#include <moult/sched.h>
#include <moult/slice.h>

#define TICKS 4

/* Values of `op`. */
enum op {
    QUEUE_INIT,
    PREPARE,
    CARRY_ON,
    LOAD,
    SAVE,
    ENQUEUE,
    DEQUEUE,
    CHOOSE,
    STARTED,
    CHARGE,
    YIELDED,
    TICK,
    PREEMPTS,
    OFFER,
};

/* Values of `kind` beyond those of faults.h: what the function answers, or leaves undone. */
enum kind {
    BREAK_LINKS = FAULTS,
    ANSWER_NOTHING,
    ANSWER_GARBAGE,
    ANSWER_STALE,
    FORGET,
    TWICE,
    REFUSE,
    WRONG_RECORD,
};

MODULE_PARAMETER(op, CHOOSE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct sched_entity {
    struct ring ring;
    uint32_t ticks;
};

struct sched_queue {
    struct ring *turn;
};

static uint64_t calls;
static struct sched_entity *stale;

/* Is this the call in which to misbehave, and every one after it? */
static bool now(enum op op)
{
    if (op != parameter_op || ++calls < parameter_after)
        return false;
    parameter_hits++;
    fail_inside(parameter_kind);
    return true;
}

static void bad_queue_init(struct sched_queue *queue, unsigned cpu)
{
    (void)cpu;
    queue->turn = NULL;
    now(QUEUE_INIT);
}

static int bad_prepare(void)
{
    return now(PREPARE) && parameter_kind == REFUSE ? -EPERM : 0;
}

static void bad_carry_on(void)
{
    now(CARRY_ON);
}

static void bad_load(struct sched_entity *entity, const struct sched_record *record)
{
    entity->ticks = slice_load(record, TICKS);
    now(LOAD);
}

static void bad_save(const struct sched_queue *queue, const struct sched_entity *entity, struct sched_record *record)
{
    (void)queue;
    slice_save(record, entity->ticks);
    if (now(SAVE) && parameter_kind == WRONG_RECORD) {
        record->fields |= SCHED_HAS_PRIVATE;
        record->private_bytes = 1u << 30;
    }
}

static void bad_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    bool bad = now(ENQUEUE);
    (void)reason;
    if (bad && parameter_kind == FORGET)
        return;
    ring_append(&queue->turn, &entity->ring);
    if (bad && parameter_kind == TWICE)
        ring_append(&queue->turn, &entity->ring);
    if (bad && parameter_kind == BREAK_LINKS)
        entity->ring.next = (struct ring *)NOWHERE;
}

static void bad_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    bool bad = now(DEQUEUE);
    if (reason == SCHED_BLOCK)
        entity->ticks = TICKS;
    stale = entity;
    if (bad && parameter_kind == FORGET)
        return;
    ring_remove(&queue->turn, &entity->ring);
    if (bad && parameter_kind == BREAK_LINKS && queue->turn)
        queue->turn->previous = NULL;
}

static struct sched_entity *answer(struct sched_entity *good)
{
    switch (parameter_kind) {
    case ANSWER_NOTHING:
        return NULL;
    case ANSWER_GARBAGE:
        return (struct sched_entity *)0x5a5a5a5a5a5a5a5aul;
    case ANSWER_STALE:
        return stale ? stale : good;
    default:
        return good;
    }
}

static struct sched_entity *bad_choose(struct sched_queue *queue, struct sched_entity *running)
{
    struct sched_entity *good = (struct sched_entity *)queue->turn;
    (void)running;
    return now(CHOOSE) ? answer(good) : good;
}

static void bad_started(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next)
{
    (void)queue, (void)previous, (void)next;
    now(STARTED);
}

static void bad_charge(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles)
{
    (void)queue, (void)running, (void)cycles;
    now(CHARGE);
}

static void bad_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    now(YIELDED);
    running->ticks = TICKS;
    queue->turn = running->ring.next;
}

static bool bad_tick(struct sched_queue *queue, struct sched_entity *running)
{
    now(TICK);
    if (--running->ticks)
        return false;
    running->ticks = TICKS;
    queue->turn = running->ring.next;
    return true;
}

static bool bad_preempts(struct sched_queue *queue, struct sched_entity *running, struct sched_entity *waiting)
{
    (void)queue, (void)running, (void)waiting;
    return now(PREEMPTS) && parameter_kind == ANSWER_GARBAGE;
}

static struct sched_entity *bad_offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu)
{
    struct ring *member = queue->turn;
    bool bad = now(OFFER);
    for (int looked = 0; member && looked < SCHED_OFFER_DEPTH; looked++, member = member->previous) {
        struct sched_entity *entity = (struct sched_entity *)member;
        if (entity != running && (sched_facts(entity)->affinity >> cpu & 1))
            return bad ? answer(entity) : entity;
    }
    return bad ? answer(NULL) : NULL;
}

const struct sched_ops bad_ops = {
    .entity_bytes = sizeof(struct sched_entity),
    .queue_bytes = sizeof(struct sched_queue),
    .record_version = SCHED_RECORD_VERSION,
    .queue_init = bad_queue_init,
    .prepare = bad_prepare,
    .carry_on = bad_carry_on,
    .load = bad_load,
    .save = bad_save,
    .enqueue = bad_enqueue,
    .dequeue = bad_dequeue,
    .choose = bad_choose,
    .started = bad_started,
    .charge = bad_charge,
    .yielded = bad_yielded,
    .tick = bad_tick,
    .preempts = bad_preempts,
    .offer = bad_offer,
};

MODULE_SLOT(sched, bad_ops);
MODULE("bad-sched", "1.0", "round robin, until it misbehaves as its parameters say");
