/*
 * sort.c - heap sort (Williams, 1964).
 */
#include "core/sort.h"
#include <stdint.h>

/* Elements are structures of whole words. */
static void exchange(uint64_t *a, uint64_t *b, size_t size)
{
    for (size_t i = 0; i < size / sizeof(*a); i++) {
        uint64_t word = a[i];
        a[i] = b[i];
        b[i] = word;
    }
}

/* Lets the element at `root` sink until no child is greater. */
static void sink(uint8_t *base, size_t root, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        exchange((uint64_t *)(base + root * size), (uint64_t *)(base + child * size), size);
    }
}

void sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t root = count / 2; root-- > 0;)
        sink(base, root, count, size, compare);
    for (size_t last = count; last-- > 1;) {
        exchange(base, (uint64_t *)((uint8_t *)base + last * size), size);
        sink(base, 0, last, size, compare);
    }
}
