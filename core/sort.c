/*
 * sort.c - heap sort (Williams, 1964).
 */
#include "core/sort.h"
#include <stdint.h>

static void exchange(uint8_t *a, uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
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
        exchange(base + root * size, base + child * size, size);
    }
}

void sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t root = count / 2; root-- > 0;)
        sink(base, root, count, size, compare);
    for (size_t last = count; last-- > 1;) {
        exchange(base, (uint8_t *)base + last * size, size);
        sink(base, 0, last, size, compare);
    }
}
