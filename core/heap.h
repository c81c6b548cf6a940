/*
 * heap.h - memory in bytes for the core and, through the SDK, for modules.
 *
 * Spans of pages are cut into blocks of one size class each; larger blocks have a span of their own. A span knows its
 * blocks' size and how many live, so that freeing needs no size and an empty span returns its frames.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stddef.h>
#include <stdint.h>

void heap_init(void);

/*
 * A block of at least `bytes` (> 0), aligned to 16, content undefined; NULL when there is no memory. Thread context or
 * boot.
 */
void *heap_alloc(size_t bytes);

/* The same, zeroed; count * bytes is checked for overflow. */
void *heap_alloc_zeroed(size_t count, size_t bytes);

/* Grows or shrinks a block, moving it if need be; `block` may be NULL. On NULL the old block is untouched. */
void *heap_resize(void *block, size_t bytes);

/*
 * Gives a block back; NULL does nothing. Panics on an address that is no live block, naming it. May flush every CPU's
 * TLB: thread context, interrupts on, no spin lock held.
 */
void heap_free(void *block);

struct heap_count {
    uint64_t blocks, bytes, spans, pages;
};
void heap_count(struct heap_count *count);

/* For `check`, all CPUs held: walks every span; returns the number of broken invariants and describes the first. */
unsigned heap_check(char *details, size_t capacity);

#endif
