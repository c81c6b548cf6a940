/*
 * heap.h - memory in bytes for the core and, through the SDK, for modules.
 *
 * Blocks are cut from spans of pages, where the occupant of the slot `heap` chooses; larger ones have pages of their
 * own. The core notes every block, so that freeing needs no size, what is freed is known to be a live block, and an
 * empty span returns its frames, whoever chose the place.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Makes the heap, with the fallback in its slot. Boot: after vm_init() and arch_patch_init(). */
void heap_init(void);

/*
 * A block of at least `bytes` (> 0), aligned to 16, content undefined; NULL when there is no memory. Thread context or
 * boot.
 */
void *heap_alloc(size_t bytes);

/* The same, aligned to `alignment`: a power of two, 16 … PAGE_SIZE. */
void *heap_alloc_aligned(size_t bytes, size_t alignment);

/* The same, zeroed; count * bytes is checked for overflow. */
void *heap_alloc_zeroed(size_t count, size_t bytes);

/* Grows or shrinks a block, moving it if need be; `block` may be NULL. On NULL the old block is untouched. */
void *heap_resize(void *block, size_t bytes);

/*
 * Gives a block back; NULL does nothing. Panics on an address that is no live block, naming it. May flush every CPU's
 * TLB: thread context, interrupts on, no spin lock held.
 */
void heap_free(void *block);

/* What there is of the heap; the blocks of whole pages count as spans too, and `pages` has the heap's own besides. */
struct heap_count {
    uint64_t blocks, bytes, spans, pages;
};
void heap_count(struct heap_count *count);

enum heap_share_state {
    HEAP_OCCUPANT,
    HEAP_FALLBACK, /* not the occupant, but serves where the occupant failed */
    HEAP_DRAINING, /* of a former occupant: counted down */
};

/* What one policy has of the heap's small blocks, or had when it was the occupant for the last time. */
struct heap_share {
    const char *policy; /* "?": it is too long ago */
    uint32_t number;    /* of the time that it was the occupant */
    enum heap_share_state state;
    uint64_t blocks, bytes, spans, pages;
};

/*
 * Fills the shares of all that have a span, the latest first, the occupant in any case; those that there is no room for
 * are left out. Returns how many. Counts without a lock, so exact while nobody else uses the heap.
 */
unsigned heap_shares(struct heap_share *shares, unsigned capacity);

/* For `check`, all CPUs held: walks every span; returns the number of broken invariants and describes the first. */
unsigned heap_check(char *details, size_t capacity);

#endif
