/*
 * soak-end.c - ends what soak.c has started, by a function that the other module exports.
 */
#include <moult/module.h>

void soak_finish(void);

static __attribute__((constructor)) void begin(void)
{
    soak_finish();
}

MODULE("test-soak-end", "1.0", "ends test-soak");
