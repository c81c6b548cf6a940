/*
 * sort.c - heap sort (Williams, 1964) of a list of indices: an object with very many of anything must not take
 * quadratic time.
 *
 * Entry point: loader_sort(). It allocates nothing and cannot fail.
 */
#include "loader/internal.h"

/* Moves the entry at `root` down until no child of it comes after it; the heap has `count` entries. */
static void sift_down(const struct loader *loader, uint32_t *heap, uint64_t root, uint64_t count, loader_order *before)
{
    for (uint64_t child; (child = 2 * root + 1) < count; root = child) {
        uint32_t entry = heap[root];

        if (child + 1 < count && before(loader, heap[child], heap[child + 1]))
            child++;
        if (!before(loader, entry, heap[child]))
            return;
        heap[root] = heap[child];
        heap[child] = entry;
    }
}

void loader_sort(const struct loader *loader, uint32_t *list, uint32_t count, loader_order *before)
{
    for (uint32_t root = count / 2; root-- > 0;)
        sift_down(loader, list, root, count, before);
    while (count > 1) {
        uint32_t last = list[--count];

        list[count] = list[0];
        list[0] = last;
        sift_down(loader, list, 0, count, before);
    }
}
