/* sources: tests/hosted/sched/simulator.c tests/hosted/sched/events.c tests/hosted/sched/handover.c
 * core/fallback/sched_fifo.c modules/sched/rr.c modules/sched/priority.c modules/sched/stride.c modules/sched/lottery.c
 * modules/sched/eevdf.c */
/*
 * sched_handover.c - what of the threads' standing survives when one scheduler hands over to another.
 */
#include "sched/simulator.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FOR_EACH(thread) for (struct sim_thread *thread = sim.thread; thread < sim.thread + SIMULATOR_THREADS; thread++)

static struct sched_record kept[SIMULATOR_THREADS];

/* Has every thread's record written by the policy that knows it now, and keeps a copy. */
static void keep_records(void)
{
    for (unsigned cpu = 0; cpu < sim.cpus; cpu++)
        simulator_charge(cpu);
    FOR_EACH(thread)
    {
        if (thread->state != SIM_ABSENT)
            simulator_save(thread);
        kept[thread - sim.thread] = thread->record;
    }
}

static int64_t kept_lag(const struct sim_thread *thread)
{
    return kept[thread - sim.thread].lag;
}

/* Threads of many weights, some asleep, with all sorts of lag and slices. */
static void make_history(unsigned policy, unsigned cpus, uint64_t seed)
{
    simulator_start(policy, cpus, seed);
    for (int event = 0; event < 800; event++)
        simulator_random_event();
}

static void assert_same_lags(void)
{
    unsigned with_lag = 0;

    FOR_EACH(thread)
    {
        if (thread->state == SIM_ABSENT)
            continue;
        assert_int_equal(thread->record.lag, kept_lag(thread));
        with_lag += kept_lag(thread) != 0;
    }
    assert_true(with_lag > 5);
}

/*
 * Lag comes back to the cycle, whoever was in charge in between, if nobody ran meanwhile. And taking threads out one by
 * one does not change what is written of the next.
 */
static void lag_survives(void **state)
{
    static const unsigned lagging[] = {EEVDF, STRIDE};

    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        unsigned policy = lagging[seed % 2];
        make_history(policy, 1 + seed % 4, seed);
        keep_records();
        simulator_swap(seed / 2 % 2 ? RR : LOTTERY, NULL);
        assert_same_lags();
        simulator_swap(PRIORITY, NULL);
        simulator_swap(FIFO, NULL);
        simulator_swap(policy, NULL);
        keep_records();
        simulator_swap(RR, NULL);
        assert_same_lags();
    }
}

/* Who gave up all threads and takes them back knows each as before. */
static void lag_survives_an_abort(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        make_history(seed % 2 ? EEVDF : STRIDE, 1 + seed % 4, seed);
        keep_records();
        simulator_abort();
        simulator_abort();
        simulator_swap(FIFO, NULL);
        assert_same_lags();
    }
    for (unsigned policy = STRIDE; policy <= EEVDF; policy += EEVDF - STRIDE) {
        simulator_start(policy, 1, 1);
        for (unsigned t = 0; t < 9; t++)
            simulator_create(50 + 100 * t, PRIORITY_DEFAULT, 1, 0);
        simulator_spin(0, 100);
        keep_records();
        simulator_abort();
        simulator_tick(0); /* what the hand-over left open is settled, which is no more than rounding */
        for (unsigned t = 0; t < 9; t++) {
            simulator_save(&sim.thread[t]);
            assert_in_range(sim.thread[t].record.lag - kept[t].lag + 2, 0, 4);
        }
    }
}

/* From eevdf to stride and back: both know it. */
static void lag_survives_the_other(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        make_history(EEVDF, 2, seed);
        keep_records();
        simulator_swap(STRIDE, NULL);
        simulator_swap(EEVDF, NULL);
        simulator_swap(FIFO, NULL);
        assert_same_lags();
    }
}

/* A policy that does not know a field leaves it alone, also while threads run under it. */
static void unknown_fields_survive(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make_history(EEVDF, 1, seed);
        simulator_swap(FIFO, NULL);
        FOR_EACH(thread)
        {
            thread->record.family = 7;
            thread->record.fields |= SCHED_HAS_PRIVATE;
            memset(thread->record.private, 0x5a, sizeof(thread->record.private));
        }
        keep_records();
        simulator_swap(LOTTERY, NULL);
        simulator_spin(0, 50);
        simulator_swap(FIFO, NULL);
        simulator_spin(0, 50);
        simulator_swap(EEVDF, NULL);
        FOR_EACH(thread)
        assert_memory_equal(&thread->record, &kept[thread - sim.thread], sizeof(thread->record));
    }
}

static void slices_survive(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        make_history(EEVDF, 1, seed);
        keep_records();
        simulator_swap(FIFO, NULL);
        simulator_swap(EEVDF, NULL);
        simulator_swap(FIFO, NULL);
        FOR_EACH(thread)
        if (thread->state != SIM_ABSENT)
            assert_int_equal(thread->record.slice, kept[thread - sim.thread].slice);
    }
    simulator_start(RR, 1, 1);
    for (unsigned t = 0; t < 5; t++)
        simulator_create(WEIGHT_DEFAULT, PRIORITY_DEFAULT, 1, 0);
    simulator_spin(0, 3);
    simulator_swap(PRIORITY, NULL);
    assert_int_equal(sim.cpu[0].running - sim.thread, 0);
    simulator_spin(0, 1);
    assert_int_equal(sim.cpu[0].running - sim.thread, 1);
    simulator_spin(0, 2);
    simulator_swap(RR, NULL);
    simulator_spin(0, 1);
    assert_int_equal(sim.cpu[0].running - sim.thread, 1);
    simulator_spin(0, 1);
    assert_int_equal(sim.cpu[0].running - sim.thread, 2);
}

/* Who was to run next still is. */
static void order_survives(void **state)
{
    static const unsigned ordered[] = {FIFO, RR, PRIORITY};

    (void)state;
    simulator_start(FIFO, 1, 11);
    for (unsigned t = 0; t < 20; t++)
        simulator_create(WEIGHT_DEFAULT, PRIORITY_DEFAULT, 1, 0);
    for (int swap = 0; swap < 200; swap++) {
        struct sim_thread *given_up[SIMULATOR_THREADS + 1], *now[SIMULATOR_THREADS + 1];
        simulator_swap(ordered[simulator_random(3)], given_up);
        simulator_order(0, now);
        for (unsigned i = 0; i < 20; i++)
            assert_ptr_equal(now[i], given_up[i]);
        simulator_spin(0, simulator_random(10));
        simulator_yield(0);
        simulator_block(0);
        simulator_wake(&sim.thread[simulator_random(20)]);
        FOR_EACH(thread)
        simulator_wake(thread);
    }
}

/* The first that a policy gives up is the one that it would run next. Running threads go on. */
static void next_goes_first(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_thread *order[SIMULATOR_THREADS + 1];
        unsigned policy = seed % POLICIES;
        make_history(policy, 1, seed);
        simulator_charge(0);
        simulator_order(0, order);
        if (policy != LOTTERY) { /* which draws anew */
            simulator_interrupt(0);
            assert_ptr_equal(sim.cpu[0].running, order[0]);
        }
        struct sim_thread *running = sim.cpu[0].running;
        simulator_swap(simulator_random(POLICIES), NULL);
        assert_ptr_equal(sim.cpu[0].running, running);
    }
}

/* Shares stay in proportion while stride and eevdf take turns. */
static void fair_while_swapping(void **state)
{
    static const uint32_t weight[] = {50, 100, 150, 300, 400};

    (void)state;
    simulator_start(STRIDE, 1, 3);
    for (unsigned t = 0; t < 5; t++)
        simulator_create(weight[t], PRIORITY_DEFAULT, 1, 0);
    for (unsigned swap = 0; swap < 1000; swap++) {
        simulator_spin(0, 10);
        simulator_swap(swap % 2 ? STRIDE : EEVDF, NULL);
    }
    for (unsigned t = 0; t < 5; t++) {
        double due = 10000. * sched_tick_cycles * weight[t] / 1000;
        assert_true(fabs(sim.thread[t].runtime - due) < 0.02 * due);
    }
}

/* Lags all of one sign, as when those who owe have gone, are levelled out. */
static void lopsided_lags_level_out(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2)
        for (unsigned policy = STRIDE; policy <= EEVDF; policy += EEVDF - STRIDE) {
            int64_t sum = 0;
            simulator_start(FIFO, 1, 3);
            for (unsigned t = 0; t < 10; t++) {
                struct sim_thread *thread = simulator_create(1 + 100 * t, PRIORITY_DEFAULT, 1, 0);
                thread->record.fields = SCHED_HAS_LAG;
                thread->record.lag = sign * 2000000;
            }
            simulator_swap(policy, NULL);
            simulator_spin(0, 1);
            keep_records();
            for (unsigned t = 0; t < 10; t++)
                sum += kept[t].lag;
            assert_in_range(sum + 20, 0, 40);
            FOR_EACH(thread)
            thread->runtime = 0;
            simulator_spin(0, 10000);
            for (unsigned t = 1; t < 10; t++)
                assert_true(fabs(sim.thread[t].runtime / (1e6 * 10000 * (1 + 100 * t) / 4510) - 1) < 0.05);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lag_survives_an_abort),   cmocka_unit_test(lag_survives),
        cmocka_unit_test(lag_survives_the_other),  cmocka_unit_test(unknown_fields_survive),
        cmocka_unit_test(slices_survive),          cmocka_unit_test(order_survives),
        cmocka_unit_test(next_goes_first),         cmocka_unit_test(fair_while_swapping),
        cmocka_unit_test(lopsided_lags_level_out),
    };

    return cmocka_run_group_tests_name("sched_handover", tests, NULL, NULL);
}
