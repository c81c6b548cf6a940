/*
 * storm-end.c - ends what storm.c has started, by a function that the other module exports.
 */
#include <moult/module.h>

void storm_finish(void);

static __attribute__((constructor)) void begin(void)
{
    storm_finish();
}

MODULE("test-storm-end", "1.0", "ends test-storm");
