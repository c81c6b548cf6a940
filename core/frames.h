/*
 * frames.h - which frames of physical memory exist, and which are free.
 *
 * The frame table is a fact of the core: one byte a frame says what it is. Which of the free frames is given out is the
 * choice of the policy in the slot `frames`; before slots_init() the core chooses itself.
 */
#ifndef CORE_FRAMES_H
#define CORE_FRAMES_H

#include <arch/memory.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frames_count {
    uint64_t total; /* frames of usable memory, those in use included */
    uint64_t free;
    uint64_t used;
    uint64_t reserved; /* firmware, holes, the kernel image, the boot archive */
};

/*
 * Adds a run of usable memory found in the memory map. At boot only, before the first allocation; the frame table
 * itself is placed by frames_init(). `first` and `last` are frame numbers, `last` not included.
 */
struct memory_run {
    uint64_t first, last;
};

/*
 * Takes over the usable runs (sorted, not overlapping, the kernel image, the boot information and the archive already
 * cut out; count at least 1) that the direct map reaches, and takes the frame table's own frames from them.
 */
void frames_init(const struct memory_run *runs, size_t count);

/* A free frame's address, content undefined; 0 when there is none. Any context. */
physical_address frames_alloc(void);

/* The same, filled with zeros. */
physical_address frames_alloc_zeroed(void);

/*
 * A block of 2^order frames (order at most FRAMES_ORDER_MAX of moult/frames.h), aligned to its size; 0 when there is
 * none. Any context.
 */
physical_address frames_alloc_block(unsigned order);

/* Gives a frame back. Panics on one that is not in use: only the core's own mistake can cause that. */
void frames_free(physical_address frame);

/* Gives back 2^order frames, all in use; whether they were allocated as one block does not matter. */
void frames_free_block(physical_address first, unsigned order);

/* Exact while nobody allocates or frees. */
void frames_count(struct frames_count *count);

/*
 * For `check`, all CPUs held: recounts the table, and returns the number of disagreements with the counters. A policy
 * that does not hold what is free by the table has broken its contract.
 */
unsigned frames_check(char *details, size_t capacity);

#endif
