/*
 * ranges.h - which kernel addresses are reserved: within core/vm*.c alone.
 *
 * An area is cut into ranges, each free or reserved, none of them side by side with another free one. A reserved range
 * begins with a guard page that is never mapped; the area's last page belongs to no range, so that there is one behind
 * every range as well.
 *
 * Concurrency: the caller holds the vm lock. Everything is O(log n) in the number of ranges.
 */
#ifndef CORE_RANGES_H
#define CORE_RANGES_H

#include <arch/memory.h>
#include <moult/tree.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    struct tree_node node; /* first; by address, free and reserved ones alike */
    uintptr_t first;       /* the guard page of a reserved one */
    size_t pages;          /* guard page included */
    size_t longest;        /* the longest free range in this node's subtree, in pages */
    size_t mapped;         /* pages mapped in it */
    bool reserved;
};

struct range_area {
    struct tree ranges;
    uintptr_t first;
    size_t bytes;
    size_t turn_bytes; /* addresses are taken in turn within so many bytes from `first`; 0: the lowest ones */
    uintptr_t turn;    /* where the next search begins */
};

/* Makes the area one free range. Boot: panics without memory. */
void ranges_init(struct range_area *area, uintptr_t first, size_t bytes);

/*
 * From now on addresses are taken in turn, within the first `bytes`, as long as there are enough: none is used again
 * before the others have been.
 */
void ranges_take_turns(struct range_area *area, size_t bytes);

/*
 * Takes the lowest (or next, see above) addresses that do for `pages` pages behind a guard page, those aligned to
 * `alignment` (a power of two, at least PAGE_SIZE). NULL: no addresses, or no memory for the description.
 */
struct range *range_take(struct range_area *area, size_t pages, size_t alignment);

/* Gives a reserved range back, and joins it with its free neighbours. */
void range_give(struct range_area *area, struct range *range);

/* The reserved range that has `address` in it, guard page included; NULL if there is none. */
struct range *range_find(const struct range_area *area, uintptr_t address);

/* Where the pages of a reserved range begin, behind its guard page. */
static inline uintptr_t range_start(const struct range *range)
{
    return range->first + PAGE_SIZE;
}

/* How many there are. */
static inline size_t range_pages(const struct range *range)
{
    return range->pages - 1;
}

#endif
