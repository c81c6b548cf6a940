/*
 * talk.c - a thread that writes numbered lines into the log, `period` microseconds apart (parameter, 2000); each `same`
 * times (parameter, 1), with the same number.
 *
 * `insmod test-talk` starts it and answers at once. `insmod test-talk-end` (talk-end.c, which links to this module)
 * has it stop, and says how many lines there were: whoever reads the console knows whether one is missing or doubled.
 */
#include "cases.h"

void talk_finish(void);

MODULE_PARAMETER(period, 2000);
MODULE_PARAMETER(same, 1);

static volatile bool over;
static uint32_t talker;
static uint64_t lines;

static void talk(void *unused)
{
    (void)unused;
    while (!over) {
        lines++;
        for (uint64_t i = 0; i < parameter_same; i++)
            log_line("talk %lu", lines);
        thread_sleep(parameter_period * MICROSECOND);
    }
}

static __attribute__((constructor)) void begin(void)
{
    cases.module = "talk";
    talker = start(talk, NULL);
}

void talk_finish(void)
{
    over = true;
    join(talker);
    log_line("talked %lu", lines);
}
EXPORT_SYMBOL(talk_finish);

MODULE("test-talk", "1.0", "a thread that writes numbered lines into the log");
