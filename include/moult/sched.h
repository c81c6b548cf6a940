/*
 * sched.h - the `sched` slot: everything that the author of a scheduler needs.
 *
 * The core owns every fact: which threads exist, which can run, on which CPU each one is queued, its weight, priority
 * and affinity, how long it ran. A scheduler owns only a choice: the order in which the runnable threads of one CPU's
 * queue run. Placement on CPUs and load balance are the core's (core/balance.c).
 *
 * A scheduler defines two structures of its own, and the core keeps the memory for them:
 *   struct sched_queue    one for each CPU    (at most SCHED_QUEUE_BYTES)
 *   struct sched_entity   one for each thread (at most SCHED_ENTITY_BYTES)
 *
 * Context of every function below, unless it says otherwise: interrupts off, the queue's lock held by the core; it
 * must not block, must not loop over all threads, and takes no lock. Only `queue` and the entities queued on it may
 * be touched.
 */
#ifndef MOULT_SCHED_H
#define MOULT_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Threads stand at multiples of this, which is how an entity finds its thread's facts. */
#define THREAD_BYTES 1024
#define SCHED_ENTITY_BYTES 192
#define SCHED_QUEUE_BYTES 1024

/* Ranges of a thread's parameters. A greater weight is a greater share; a greater priority runs first. */
#define WEIGHT_MIN 1
#define WEIGHT_MAX 10000
#define WEIGHT_DEFAULT 100
#define PRIORITY_MIN 1
#define PRIORITY_MAX 99
#define PRIORITY_DEFAULT 50

struct sched_queue;
struct sched_entity;

/*
 * What the core knows of a thread and a scheduler may read. Changes only while the thread is in no scheduler's queue.
 */
struct sched_facts {
    uint32_t thread;   /* the thread's number */
    uint32_t weight;   /* WEIGHT_MIN … WEIGHT_MAX */
    uint32_t priority; /* PRIORITY_MIN … PRIORITY_MAX */
    uint32_t cpu;      /* the CPU on whose queue it is, or was last */
    uint64_t affinity; /* bit n: it may run on CPU n */
};

/* The facts of the thread that an entity belongs to. */
static inline const struct sched_facts *sched_facts(const struct sched_entity *entity)
{
    return (const struct sched_facts *)((uintptr_t)entity & ~(uintptr_t)(THREAD_BYTES - 1));
}

/* Why a thread enters or leaves a queue. */
enum sched_reason {
    SCHED_NEW,      /* enqueue: its first time */
    SCHED_WAKE,     /* enqueue: it can run again */
    SCHED_BLOCK,    /* dequeue: it waits */
    SCHED_EXIT,     /* dequeue: it has ended; its entity is not used again */
    SCHED_MIGRATE,  /* both: it moves to another CPU's queue */
    SCHED_CHANGE,   /* both: its weight or priority is changed in between */
    SCHED_HANDOVER, /* both: it moves from one scheduler to another; the others' standing must not change */
};

/* Which fields of a record are valid. A scheduler sets those that it knows; the others keep what the core remembers. */
#define SCHED_HAS_SLICE (1u << 0)
#define SCHED_HAS_LAG (1u << 1)
#define SCHED_HAS_PRIVATE (1u << 2)
#define SCHED_RECORD_VERSION 1

/*
 * The state of one thread as it passes from one scheduler to the next. The core keeps a copy with each thread, so a
 * field that one scheduler does not know survives it: lag outlives a spell under round robin. Cycles are those of the
 * clock that charge() counts in; sched_clock_hz of them are a second.
 */
struct sched_record {
    uint32_t version;       /* SCHED_RECORD_VERSION */
    uint32_t fields;        /* SCHED_HAS_*; 0 for a thread that is new */
    uint64_t slice;         /* cycles left before another may run; at most SCHED_SLICE_MAX */
    int64_t lag;            /* service it is owed (> 0) or was given beyond its share (< 0): cycles of real CPU time,
                         within ±SCHED_LAG_MAX */
    uint32_t family;        /* who understands `private`; 0 with no private part */
    uint32_t private_bytes; /* how much of `private` counts */
    uint8_t private[32];    /* for schedulers of one family; any other leaves it alone */
};

#define SCHED_SLICE_MAX (1ull << 40)
#define SCHED_LAG_MAX (1ll << 40)

/* Cycles in one timer tick, and in a second. Constant after boot. */
extern uint64_t sched_tick_cycles;
extern uint64_t sched_clock_hz;

/*
 * A scheduler's functions. Those marked (optional) may be left out: their call sites then become no-operations or are
 * jumped over, at the cost of one instruction.
 *
 * A thread that can run is enqueued once and stays so, also while it runs, until it is dequeued. What the scheduler
 * does with the running one inside (leave it in its list, take it out of its tree) is its own affair.
 */
struct sched_ops {
    uint32_t entity_bytes; /* sizeof(struct sched_entity) */
    uint32_t queue_bytes;  /* sizeof(struct sched_queue) */
    uint32_t flags;        /* SCHED_GLOBAL_ORDER or 0 */
    uint32_t record_version;

    /* Makes the empty queue of `cpu`. The memory is zeroed. Called for every CPU before any other function. */
    void (*queue_init)(struct sched_queue *queue, unsigned cpu);

    /*
     * (optional) May the policy hand over now? Called before a swap with the machine running and no lock held. 0: yes;
     * -EAGAIN: ask again; any other error: no.
     */
    int (*prepare)(void);

    /* (optional) The swap that prepare() agreed to will not happen. Same context as prepare(). */
    void (*carry_on)(void);

    /*
     * Gives `entity` its state from `record`: what of it this scheduler knows, defaults for the rest. record->fields
     * is 0 for a thread that is new. The thread is in no queue. Every later function may rely on it having been
     * called.
     */
    void (*load)(struct sched_entity *entity, const struct sched_record *record);

    /*
     * Writes what it knows of `entity` into `record` and sets those SCHED_HAS_* bits; changes nothing else. `queue`
     * is the one it is in, or NULL while it is in none.
     */
    void (*save)(const struct sched_queue *queue, const struct sched_entity *entity, struct sched_record *record);

    /* The thread can run: put it in the order. */
    void (*enqueue)(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason);

    /* The thread leaves the queue; it may be the running one, or any other. */
    void (*dequeue)(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason);

    /*
     * Which thread should run now? `running` is the one that runs on this CPU and still can, or NULL. Has NO effect:
     * it may be asked twice, or in vain. Returns an entity that is in the queue; NULL only if the queue is empty. It
     * may return `running`. Called with the queue emptied one by one (choose, save, dequeue) during a hand-over, it
     * gives the order of choice.
     */
    struct sched_entity *(*choose)(struct sched_queue *queue, struct sched_entity *running);

    /*
     * (optional) `next` starts to run after `previous`, which is NULL if it can no longer run or if there was none.
     * Also called, with NULL, for the running thread itself after it was put into a queue again (SCHED_CHANGE,
     * SCHED_HANDOVER).
     */
    void (*started)(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next);

    /* (optional) The running thread has used `cycles` since it was last charged. Comes before any choice. */
    void (*charge)(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles);

    /* (optional) The running thread lets others go first. A choice follows. */
    void (*yielded)(struct sched_queue *queue, struct sched_entity *running);

    /* A timer tick while `running` runs, after charge(). True: it is time to choose again. */
    bool (*tick)(struct sched_queue *queue, struct sched_entity *running);

    /*
     * (optional) Should `waiting` take the CPU from `running` at once? With SCHED_GLOBAL_ORDER `waiting` may be in
     * another CPU's queue or in none, and only its facts may be read.
     */
    bool (*preempts)(struct sched_queue *queue, struct sched_entity *running, struct sched_entity *waiting);

    /*
     * Which thread, other than `running`, may best move to `cpu`'s queue? Only one whose affinity allows it. NULL:
     * none found. Looks at no more than SCHED_OFFER_DEPTH threads.
     */
    struct sched_entity *(*offer)(struct sched_queue *queue, struct sched_entity *running, unsigned cpu);
};

#define SCHED_OFFER_DEPTH 32

/*
 * flags: the order holds across CPUs. The core then places a thread where preempts() says that it should run at once,
 * and pulls one that preempts() what a CPU would otherwise run.
 */
#define SCHED_GLOBAL_ORDER (1u << 0)

#endif
