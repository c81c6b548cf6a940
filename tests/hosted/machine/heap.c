/*
 * heap.c - the kernel's heap in hosted tests that are not of the heap: this process's own.
 */
#include "core/heap.h"
#include <stdlib.h>

void *heap_alloc_zeroed(size_t count, size_t bytes)
{
    return calloc(count, bytes);
}

void heap_free(void *block)
{
    free(block);
}
