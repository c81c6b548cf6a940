/*
 * sort.h - sorts an array in place, in O(n log n) always, without memory of its own.
 */
#ifndef CORE_SORT_H
#define CORE_SORT_H

#include <stddef.h>

/*
 * `compare` as for ISO C's qsort(). `size`: bytes of an element, a multiple of 8; the array is aligned to 8. Not
 * stable. Any context.
 */
void sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));

#endif
