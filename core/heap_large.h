/*
 * heap_large.h - heap blocks that have pages of their own: within core/heap*.c alone.
 */
#ifndef CORE_HEAP_LARGE_H
#define CORE_HEAP_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_count;

/* A block of whole pages; NULL: no memory. Thread context. */
void *large_alloc(size_t bytes);

/* Gives one back. False: there is none at that address, and nothing was done. Thread context, interrupts on. */
bool large_free(void *block);

/* How many bytes one has room for; 0: there is none at that address. */
size_t large_bytes(const void *block);

/* Adds all of them to `count`. */
void large_count(struct heap_count *count);

/* For heap_check(), all CPUs held: the address of one that is not as it should be, or 0. */
uintptr_t large_check(void);

#endif
