/*
 * frames_private.h - what core/frames.c, core/frames_slot.c and core/frames_check.c share: the frame table, and how far
 * the occupant of the slot `frames` has come to know it.
 *
 * The chunks from `unadopted` upwards are the occupant's: it has been told of all their free frames. Those below are
 * the core's alone. A hand-over gives the new policy all of them, one after the other; so does a rescue.
 */
#ifndef CORE_FRAMES_PRIVATE_H
#define CORE_FRAMES_PRIVATE_H

#include "core/cpu.h"
#include "core/lock.h"
#include "core/slot.h"
#include <moult/frame_bits.h>

/* What the table says of a frame. A free one is told from all others by its lowest bit, eight at a time. */
enum frame_state {
    FRAME_RESERVED = 0, /* everything that no memory run named */
    FRAME_FREE = 1,
    FRAME_USED = 2,
    FRAME_TABLE = 4, /* holds the frame table itself: used for ever */
};

/*
 * Under `lock`, but for the bytes of the table, which change atomically: from free to used by any CPU, from used to
 * free without the lock only in chunks that the occupant has. The constant ones are so once frames_init() is done.
 */
struct frames {
    struct spinlock lock;
    uint8_t *table;             /* constant; one frame_state for each frame of each chunk */
    uint64_t limit;             /* constant; one more than the highest frame's number */
    uint64_t chunks;            /* constant; the last one may reach beyond `limit` */
    uint64_t total, first_free; /* constant: frames of usable memory, and those of them free after frames_init() */
    uint64_t unadopted;         /* chunks that the occupant has not */
    uint64_t moved;             /* free frames in the chunks that it was given */
    volatile bool broken;       /* in a hand-over: `policy` broke its contract */
    uint64_t search;            /* the chunk in which the core found a block by itself, the last time */
    struct policy *policy;      /* that has the chunks; NULL before slots_init(). Changes in a rendezvous */
    struct frames_store *store; /* its own */
};

/* Each CPU's own, interrupts off. */
struct frames_local {
    struct frames_cache *cache; /* the occupant's, if it keeps caches; changes in a rendezvous */
    int64_t taken;              /* frames allocated on this CPU, less those freed: of all CPUs together, those in use */
} __attribute__((aligned(64)));

extern struct frames frames;
extern struct frames_local frames_local[CPU_MAX];

static inline const struct frames_ops *frames_ops_of(const struct policy *policy)
{
    return policy->ops;
}

/* The free frames of a chunk by the table. */
void frames_read_chunk(uint64_t chunk, struct frame_bits *free);

/*
 * Gives the occupant the highest chunk that it has not, and verifies that it has what it was given. There is one. The
 * lock is held.
 */
void frames_adopt_next(void);

/* The occupant, or the policy that takes over, broke its contract: it is replaced. Any context. */
__attribute__((format(printf, 1, 2))) void frames_breach(const char *format, ...);

/*
 * Is there a policy, and has it kept its contract so far? One that is to be replaced is not asked any more: what it
 * holds need not agree with the table, from which the next one is filled. The lock is held, or all CPUs are.
 */
bool frames_policy_sound(void);

/* How many frames are free. Exact while nobody else allocates or frees. */
uint64_t frames_free_now(void);

#endif
