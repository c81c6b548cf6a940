/*
 * talk-end.c - ends what talk.c has started, by a function that the other module exports.
 */
#include <moult/module.h>

void talk_finish(void);

static __attribute__((constructor)) void begin(void)
{
    talk_finish();
}

MODULE("test-talk-end", "1.0", "ends test-talk");
