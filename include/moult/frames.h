/*
 * frames.h - the `frames` slot: everything that the author of a page allocator needs.
 *
 * The core owns every fact: which frames of memory there are, and which of them are free. A policy owns only a choice:
 * which of the free frames is given out next. The core marks a frame as used when the policy returns it, and refuses
 * one that was not free; it marks one as free before the policy is told.
 *
 * Memory is handed to a policy in chunks of FRAMES_IN_CHUNK frames: the core says which frames of a chunk are free
 * (adopt), and from then on the chunk is the policy's. Chunks come from the highest to the lowest, each once, while
 * frames of those before are taken and given already; of the others the policy knows nothing. So a hand-over moves no
 * record: the core's table is the record, and whoever had the chunks before is not asked.
 *
 * A policy defines its own structures, and the core keeps the memory for them, all of it before the policy is used:
 *   struct frames_store   one                  (at most FRAMES_STORE_BYTES)
 *   struct frames_chunk   one for each chunk   (at most FRAMES_CHUNK_BYTES: 1/2048 of the memory)
 *   struct frames_cache   one for each CPU     (at most FRAMES_CACHE_BYTES), if it keeps caches
 *
 * Context of every function: interrupts off; it must not block, takes no lock, calls nothing of the core's, and touches
 * nothing but its structures: what is in a free frame is not its own. A function is given `store` while the core holds
 * the slot's lock, and `cache` on the CPU that it belongs to, without a lock.
 *
 * Frames are known by their number, their physical address divided by 4096. A block of order n is 2^n frames, the first
 * of them at a multiple of 2^n; it lies within one chunk.
 */
#ifndef MOULT_FRAMES_H
#define MOULT_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#define FRAMES_IN_CHUNK 512 /* 2 MiB */
#define FRAMES_ORDER_MAX 9  /* a whole chunk */
#define FRAMES_NONE 0       /* no frame: this one is never free */
#define FRAMES_STORE_BYTES 4096
#define FRAMES_CHUNK_BYTES 1024
#define FRAMES_CACHE_BYTES 1024
#define FRAMES_CACHE_FRAMES 64 /* most that a cache may hold, and that exchange() may move */

struct frames_store;
struct frames_chunk;
struct frames_cache;

/* The frames of a chunk, a bit each: frame n of the chunk is bit n % 64 of words[n / 64]. */
struct frame_bits {
    uint64_t words[FRAMES_IN_CHUNK / 64];
};

/* Which frames exchange() is to move. */
enum frames_exchange {
    FRAMES_REFILL, /* some into the cache, which has none; none if the store has none */
    FRAMES_SPILL,  /* some out of the cache, which is full */
    FRAMES_EMPTY,  /* all out of the cache */
};

/*
 * A page allocator's functions. Those marked (cache) are left out by one that keeps no caches, all three: their call
 * sites then become no-operations.
 */
struct frames_ops {
    uint32_t store_bytes; /* sizeof(struct frames_store) */
    uint32_t chunk_bytes; /* sizeof(struct frames_chunk) */
    uint32_t cache_bytes; /* sizeof(struct frames_cache); 0 without caches */

    /*
     * Makes a store without a frame. `store` and the caches are zeroed, which is how an empty cache looks; `chunks`, of
     * which there are `count`, are not: what is in one is undefined until adopt(). O(1). Also called again, for a
     * policy that is to begin anew.
     */
    void (*init)(struct frames_store *store, struct frames_chunk *chunks, uint64_t count);

    /* The chunk of that index is the policy's from now on; `free` says which of its frames are. */
    void (*adopt)(struct frames_store *store, uint64_t chunk, const struct frame_bits *free);

    /*
     * Takes a free block, for `cpu`, and returns its first frame. FRAMES_NONE: the chunks that it has hold none of that
     * order. Of order 0 that means that the store has no frame at all, which the core can tell.
     */
    uint64_t (*take)(struct frames_store *store, unsigned order, unsigned cpu);

    /*
     * A block is free again. It need not be one that was taken as such: its frames may come alone, or with others that
     * now make up a block.
     */
    void (*give)(struct frames_store *store, uint64_t frame, unsigned order);

    /* Sets the bits of all frames of a chunk that the store has; the caches' are not its. `bits` is zeroed. */
    void (*show)(const struct frames_store *store, uint64_t chunk, struct frame_bits *bits);

    /* (cache) Takes a frame of the cache; FRAMES_NONE: it is empty. exchange() to refill it follows. */
    uint64_t (*cache_take)(struct frames_cache *cache, unsigned cpu);

    /* (cache) A frame is free again, and put into the cache. False: it is full. exchange() to spill it follows. */
    bool (*cache_give)(struct frames_cache *cache, uint64_t frame);

    /* (cache) Moves frames between the two. */
    void (*exchange)(struct frames_store *store, struct frames_cache *cache, enum frames_exchange which);
};

#endif
