/*
 * heap-storm-end.c - ends what heap-storm.c has started, by a function that the other module exports.
 */
#include <moult/module.h>

void heap_storm_finish(void);

static __attribute__((constructor)) void begin(void)
{
    heap_storm_finish();
}

MODULE("test-heap-storm-end", "1.0", "ends test-heap-storm");
