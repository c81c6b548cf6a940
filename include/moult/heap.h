/*
 * heap.h - the `heap` slot: everything that the author of a heap needs.
 *
 * The core owns every fact: the spans (runs of pages that blocks are cut from), whose each one is, and every block in
 * them, to the grain. A policy owns only a choice: where in its spans the next block goes, and which empty spans it
 * keeps. The core notes a block when the policy returns it, and refuses one that is not inside of a span of the
 * policy's own or touches another block; it has forgotten a block before the policy is told. So nothing is handed over
 * in a swap: the new policy begins without a span, and the blocks of the old one are counted down by the core alone.
 *
 * A policy defines two structures of its own, and the core keeps the memory for them:
 *   struct heap_pool    one for each CPU    (at most HEAP_POOL_BYTES)
 *   struct heap_span    one for each span   (at most HEAP_SPAN_BYTES)
 *
 * A span belongs to the pool that it was added to until it is given back. Blocks come from the pool of the CPU that
 * asks, and go back to the one whose span they lie in, on any CPU.
 *
 * Context of every function: interrupts off, the pool's lock held by the core; it must not block, takes no lock, calls
 * nothing of the core's, and touches only the pool, its spans, and memory in these that is in no live block.
 */
#ifndef MOULT_HEAP_H
#define MOULT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_GRAIN 16         /* bytes: blocks begin at multiples, and so do their sizes */
#define HEAP_BLOCK_MAX 2048   /* bytes; larger blocks have pages of their own, which are no policy's affair */
#define HEAP_SPAN_PAGES_MAX 4 /* pages of a span */
#define HEAP_PAGE 4096
#define HEAP_SPAN_GRAINS (HEAP_SPAN_PAGES_MAX * HEAP_PAGE / HEAP_GRAIN)
#define HEAP_POOL_BYTES 1024
#define HEAP_SPAN_BYTES 192

struct heap_pool;
struct heap_span;

/*
 * What the core knows of a span and a policy may read: at any time of its own spans, in any of its functions. `used`
 * has a bit for each grain, bit n % 64 of word n / 64: it belongs to a live block, or lies behind the span's end.
 */
struct heap_facts {
    uint8_t *start; /* of its first grain; a multiple of the size of the largest span */
    uint32_t live;  /* blocks */
    uint32_t pages;
    uint64_t used[HEAP_SPAN_GRAINS / 64];
};

/* Descriptions of spans stand at multiples of this, which is how a policy's part of one finds the facts. */
#define HEAP_DESCRIPTION_BYTES 512

static inline const struct heap_facts *heap_facts(const struct heap_span *span)
{
    return (const struct heap_facts *)((uintptr_t)span & ~(uintptr_t)(HEAP_DESCRIPTION_BYTES - 1));
}

/* What allocate() answers instead of a block: it has no room, and wants a span of that many pages. */
#define HEAP_WANTS_PAGES(pages) ((void *)(uintptr_t)(pages))

/* A heap's functions, none of them optional. */
struct heap_ops {
    uint32_t pool_bytes; /* sizeof(struct heap_pool) */
    uint32_t span_bytes; /* sizeof(struct heap_span) */

    /* Makes the pool of `cpu`, without a span. The memory is zeroed. Called for every CPU before any other function. */
    void (*pool_init)(struct heap_pool *pool, unsigned cpu);

    /*
     * Chooses a block of `bytes` (HEAP_GRAIN … HEAP_BLOCK_MAX, a multiple of HEAP_GRAIN) whose address is a multiple of
     * `alignment` (a power of two, HEAP_GRAIN … HEAP_BLOCK_MAX), in a span of this pool, where no live block is. It is
     * live when this returns. HEAP_WANTS_PAGES(1 … HEAP_SPAN_PAGES_MAX): there is no room in the spans it has.
     */
    void *(*allocate)(struct heap_pool *pool, size_t bytes, size_t alignment);

    /*
     * The pool has one more span, without a live block; what is in it, and in `span`, is undefined. Comes right after
     * allocate() has wanted one of as many pages. The same request follows, which is not to be turned down now.
     */
    void (*add)(struct heap_pool *pool, struct heap_span *span);

    /*
     * A block of this span is no longer live. `bytes`: as allocate() was asked. True: the policy has forgotten the
     * span, which goes back to the core; only one without a live block can.
     */
    bool (*free)(struct heap_pool *pool, struct heap_span *span, void *block, size_t bytes);
};

#endif
