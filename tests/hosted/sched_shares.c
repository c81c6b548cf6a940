/* sources: tests/hosted/sched/simulator.c tests/hosted/sched/events.c tests/hosted/sched/handover.c
 * core/fallback/sched_fifo.c modules/sched/rr.c modules/sched/priority.c modules/sched/stride.c modules/sched/lottery.c
 * modules/sched/eevdf.c */
/*
 * sched_shares.c - the schedulers that share a CPU by weight: stride and eevdf exactly, lottery by chance.
 */
#include "sched/simulator.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t weight_sets[][8] = {
    {1, 1},
    {100, 200},
    {1, 2, 3, 4, 5},
    {10000, 5000, 2500, 1250},
    {100, 100, 100, 100, 100, 100, 100, 700},
    {7, 13, 64, 100, 250},
};

/* Forgets past runtimes and returns the sum of the weights of the threads that spin. */
static uint64_t start_counting(const struct sim_thread *const *spinner, unsigned spinners)
{
    uint64_t weights = 0;

    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        sim.thread[t].runtime = sim.thread[t].starts = 0;
    for (unsigned i = 0; i < spinners; i++)
        weights += spinner[i]->facts.weight;
    return weights;
}

static unsigned create_set(const uint32_t *weight, struct sim_thread **thread)
{
    unsigned count = 0;

    for (; count < 8 && weight[count]; count++)
        thread[count] = simulator_create(weight[count], PRIORITY_DEFAULT, 1, 0);
    return count;
}

static void assert_share(const struct sim_thread *thread, uint64_t all, uint64_t weights, double tolerance)
{
    double due = (double)all * thread->facts.weight / weights;

    if (fabs(thread->runtime - due) > tolerance * due)
        fail_msg("weight %u of %llu: %llu cycles, %.0f are due", thread->facts.weight, (unsigned long long)weights,
                 (unsigned long long)thread->runtime, due);
}

/* Shares within 2 % of the weights over 10,000 ticks. */
static void by_weight(void **state)
{
    for (size_t set = 0; set < sizeof(weight_sets) / sizeof(weight_sets[0]); set++) {
        struct sim_thread *thread[8];
        simulator_start((uintptr_t)*state, 1, 1);
        unsigned count = create_set(weight_sets[set], thread);
        uint64_t weights = start_counting((const struct sim_thread *const *)thread, count);
        simulator_spin(0, 10000);
        for (unsigned i = 0; i < count; i++)
            assert_share(thread[i], 10000 * sched_tick_cycles, weights, 0.02);
    }
}

/* The same when weights change, and where the threads lose the CPU at any time, to sleepers that come and go. */
static void by_weight_amid_others(void **state)
{
    struct sim_thread *spinner[3], *sleeper[4];

    simulator_start((uintptr_t)*state, 1, 5);
    for (unsigned i = 0; i < 3; i++)
        spinner[i] = simulator_create(100 << i, PRIORITY_DEFAULT, 1, 0);
    for (unsigned i = 0; i < 4; i++)
        sleeper[i] = simulator_create(100, PRIORITY_DEFAULT, 1, 0);
    for (unsigned round = 0; round < 3; round++) {
        uint64_t all = 0, weights = start_counting((const struct sim_thread *const *)spinner, 3);
        for (unsigned slot = 0; slot < 40000; slot++) {
            simulator_run(0, sched_tick_cycles / 4);
            if (slot % 4 == 3)
                simulator_tick(0);
            if (sim.cpu[0].running >= sleeper[0] && simulator_random(2))
                simulator_block(0);
            simulator_wake(sleeper[simulator_random(4)]);
        }
        for (unsigned i = 0; i < 3; i++)
            all += spinner[i]->runtime;
        for (unsigned i = 0; i < 3; i++)
            assert_share(spinner[i], all, weights, 0.02);
        simulator_change(spinner[round], 300, PRIORITY_DEFAULT);
    }
}

/* The same after virtual time has wrapped around many times: the lightest thread alone, for some months. */
static void by_weight_after_months(void **state)
{
    struct sim_thread *thread[4];

    simulator_start((uintptr_t)*state, 1, 1);
    thread[0] = simulator_create(WEIGHT_MIN, PRIORITY_DEFAULT, 1, 0);
    for (unsigned day = 0; day < 200; day++) {
        simulator_run(0, 86400 * sched_clock_hz + day);
        simulator_tick(0);
        simulator_yield(0);
    }
    for (unsigned i = 1; i < 4; i++)
        thread[i] = simulator_create(i, PRIORITY_DEFAULT, 1, 0);
    start_counting(NULL, 0);
    simulator_spin(0, 10000);
    for (unsigned i = 0; i < 4; i++)
        assert_share(thread[i], 10000 * sched_tick_cycles, 7, 0.02);
}

/* Within five standard deviations of a draw at every tick. */
static void by_lot(void **state)
{
    (void)state;
    for (size_t set = 0; set < sizeof(weight_sets) / sizeof(weight_sets[0]); set++) {
        struct sim_thread *thread[8];
        simulator_start(LOTTERY, 1, 1);
        unsigned count = create_set(weight_sets[set], thread);
        uint64_t weights = start_counting((const struct sim_thread *const *)thread, count);
        simulator_spin(0, 10000);
        for (unsigned i = 0; i < count; i++) {
            double p = (double)thread[i]->facts.weight / weights, mean = 10000 * p, deviation = sqrt(mean * (1 - p));
            assert_true(fabs((double)thread[i]->runtime / sched_tick_cycles - mean) < 5 * deviation);
        }
    }
}

/* Who used a quarter of a tick and waited holds four times as many tickets until it runs. */
static void compensated(void **state)
{
    unsigned draws = 0, won = 0;

    (void)state;
    simulator_start(LOTTERY, 1, 1);
    struct sim_thread *spinner = simulator_create(100, PRIORITY_DEFAULT, 1, 0);
    struct sim_thread *waiter = simulator_create(100, PRIORITY_DEFAULT, 1, 0);
    while (sim.cpu[0].running != waiter)
        simulator_spin(0, 1);
    for (; draws < 10000; draws++) {
        if (sim.cpu[0].running == waiter) {
            won++;
            simulator_run(0, sched_tick_cycles / 4);
            simulator_block(0);
            assert_ptr_equal(sim.cpu[0].running, spinner);
            simulator_run(0, sched_tick_cycles * 3 / 4);
            simulator_wake(waiter);
        } else {
            simulator_run(0, sched_tick_cycles);
        }
        simulator_tick(0);
    }
    assert_true(fabs(won - 8000.) < 5 * sqrt(10000 * .8 * .2));
    start_counting(NULL, 0);
    simulator_spin(0, 10000); /* the waiter runs, if not now then soon, and does not wait again */
    assert_true(fabs((double)waiter->runtime / sched_tick_cycles - 5000) < 5 * sqrt(10000 * .5 * .5));
}

/* Threads that do nothing but yield run equally often, nearly, and never the same one twice running. */
static void yield_lets_others_run(void **state)
{
    unsigned policy = (uintptr_t)*state, tolerance = policy == EEVDF ? 1 : policy == STRIDE ? 20 : 100;

    for (unsigned count = 2; count <= 8; count *= 2) {
        simulator_start(policy, 1, 3);
        for (unsigned t = 0; t < count; t++)
            simulator_create(WEIGHT_DEFAULT, PRIORITY_DEFAULT, 1, 0);
        start_counting(NULL, 0);
        for (unsigned yields = 0; yields < 400 * count; yields++) {
            struct sim_thread *running = sim.cpu[0].running;
            simulator_run(0, 50 + simulator_random(50));
            simulator_yield(0);
            assert_ptr_not_equal(sim.cpu[0].running, running);
        }
        for (unsigned t = 0; t < count; t++)
            assert_in_range(sim.thread[t].starts, 400 - tolerance, 400 + tolerance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"by_weight_stride", by_weight, NULL, NULL, (void *)STRIDE},
        {"by_weight_eevdf", by_weight, NULL, NULL, (void *)EEVDF},
        {"by_weight_amid_others_stride", by_weight_amid_others, NULL, NULL, (void *)STRIDE},
        {"by_weight_amid_others_eevdf", by_weight_amid_others, NULL, NULL, (void *)EEVDF},
        {"by_weight_after_months_stride", by_weight_after_months, NULL, NULL, (void *)STRIDE},
        {"by_weight_after_months_eevdf", by_weight_after_months, NULL, NULL, (void *)EEVDF},
        cmocka_unit_test(by_lot),
        cmocka_unit_test(compensated),
        {"yield_lets_others_run_stride", yield_lets_others_run, NULL, NULL, (void *)STRIDE},
        {"yield_lets_others_run_lottery", yield_lets_others_run, NULL, NULL, (void *)LOTTERY},
        {"yield_lets_others_run_eevdf", yield_lets_others_run, NULL, NULL, (void *)EEVDF},
    };

    return cmocka_run_group_tests_name("sched_shares", tests, NULL, NULL);
}
