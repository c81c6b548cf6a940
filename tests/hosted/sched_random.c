/* sources: tests/hosted/sched/simulator.c tests/hosted/sched/events.c tests/hosted/sched/handover.c
 * core/fallback/sched_fifo.c modules/sched/rr.c modules/sched/priority.c modules/sched/stride.c modules/sched/lottery.c
 * modules/sched/eevdf.c */
/*
 * sched_random.c - every scheduler under random events, which the simulator checks one by one, and random chains of
 * hand-overs.
 */
#include "sched/simulator.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void random_events(void **state)
{
    unsigned policy = (uintptr_t)*state;

    for (unsigned cpus = 1; cpus <= SIMULATOR_CPUS; cpus++) {
        sched_tick_cycles = cpus % 2 ? 1000000 : 10000000;
        simulator_start(policy, cpus, 1000 * policy + cpus);
        for (int event = 0; event < 3000; event++)
            simulator_random_event();
    }
}

/* Any scheduler to any other, in any order, with anything in between. */
static void random_chain(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        simulator_start(FIFO, seed, seed);
        for (int swap = 0; swap < 300; swap++) {
            for (uint64_t event = simulator_random(30); event; event--)
                simulator_random_event();
            if (simulator_random(4) == 0)
                simulator_abort();
            simulator_swap(simulator_random(POLICIES), NULL);
        }
    }
}

/* What the core has not checked may hold anything. */
static void absurd_records(void **state)
{
    (void)state;
    simulator_start(FIFO, 2, 77);
    for (int swap = 0; swap < 300; swap++) {
        for (uint64_t event = simulator_random(30); event; event--)
            simulator_random_event();
        unsigned policy = simulator_random(POLICIES);
        simulator_swap(FIFO, NULL); /* it changes no record */
        for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
            for (size_t b = 0; b < sizeof(struct sched_record); b++)
                ((unsigned char *)&sim.thread[t].record)[b] = simulator_random(256);
        simulator_swap(policy, NULL);
    }
}

int main(void)
{
    struct CMUnitTest tests[POLICIES + 2];
    static char names[POLICIES][64];
    const struct CMUnitTest chains[] = {cmocka_unit_test(random_chain), cmocka_unit_test(absurd_records)};

    for (uintptr_t p = 0; p < POLICIES; p++) {
        strcat(strcpy(names[p], "random_events_"), simulator_policies[p].name);
        tests[p] = (struct CMUnitTest){names[p], random_events, NULL, NULL, (void *)p};
    }
    memcpy(tests + POLICIES, chains, sizeof(chains));
    return cmocka_run_group_tests_name("sched_random", tests, NULL, NULL);
}
