/* sources: tests/hosted/sched/simulator.c tests/hosted/sched/events.c tests/hosted/sched/handover.c
 * core/fallback/sched_fifo.c modules/sched/rr.c modules/sched/priority.c modules/sched/stride.c modules/sched/lottery.c
 * modules/sched/eevdf.c */
/*
 * sched_eevdf.c - sched-eevdf against a naive model: the paper's definitions in floating point, O(n) at every step.
 *
 * The model keeps each queued thread's virtual time (cycles / weight) and virtual deadline, sums up the mean over all
 * threads, and so knows every lag. It predicts what lag the scheduler writes into records, and whether a choice is
 * right: eligible, and no eligible thread with an earlier deadline. It rounds nothing, so it allows TOLERANCE where
 * the difference is smaller than that.
 */
#include "sched/simulator.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE 100. /* cycles */
#define SLICE (0.003 * sched_clock_hz)
#define LAG_LIMIT fmax(2 * SLICE, sched_tick_cycles)

static struct model_thread {
    bool queued;
    unsigned cpu;
    double weight;
    long double time, deadline; /* virtual, while queued */
    double lag, left;           /* cycles, while not queued */
} model[SIMULATOR_THREADS];
static unsigned choices, others_ineligible;
static double greatest_lag;

static struct model_thread *model_of(const struct sim_thread *thread)
{
    return &model[thread - sim.thread];
}

/* The sum of weights on a CPU, and the mean of the virtual times. */
static double model_sum(unsigned cpu, long double *mean)
{
    long double weights = 0, sum = 0;

    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        if (model[t].queued && model[t].cpu == cpu) {
            weights += model[t].weight;
            sum += model[t].weight * model[t].time;
        }
    *mean = weights > 0 ? sum / weights : 0;
    return weights;
}

static double model_lag(const struct model_thread *m)
{
    long double mean;

    model_sum(m->cpu, &mean);
    return m->weight * (mean - m->time);
}

static void model_enqueued(struct sim_thread *thread, enum sched_reason reason)
{
    struct model_thread *m = model_of(thread);
    long double mean;

    if (reason == SCHED_NEW)
        *m = (struct model_thread){.left = SLICE};
    m->cpu = thread->facts.cpu;
    m->weight = thread->facts.weight;
    double others = model_sum(m->cpu, &mean);
    m->time = others > 0 ? mean - m->lag / m->weight - m->lag / others : 0;
    m->deadline = m->time + m->left / m->weight;
    m->queued = true;
}

static void model_dequeued(struct sim_thread *thread, enum sched_reason reason)
{
    struct model_thread *m = model_of(thread);

    m->lag = fmax(-LAG_LIMIT, fmin(LAG_LIMIT, model_lag(m)));
    m->left = (m->deadline - m->time) * m->weight;
    if (reason == SCHED_BLOCK || m->left < 0.5)
        m->left = SLICE;
    m->queued = false;
}

static void model_charged(struct sim_thread *thread, uint64_t cycles)
{
    model_of(thread)->time += cycles / model_of(thread)->weight;
}

static void model_yielded(struct sim_thread *thread)
{
    struct model_thread *m = model_of(thread);

    m->time = fmaxl(m->time, m->deadline);
    m->deadline = m->time + SLICE / m->weight;
}

static void model_ticked(struct sim_thread *thread, bool choose)
{
    struct model_thread *m = model_of(thread);
    double left = (m->deadline - m->time) * m->weight, half = sched_tick_cycles / 2.;

    if (fabs(left - half) > TOLERANCE)
        assert_int_equal(choose, left < half);
    if (choose)
        m->deadline = m->time + SLICE / m->weight;
}

/* The scheduler's lags are the model's, and the choice is eligible and has the earliest deadline of those that are. */
static void model_chosen(unsigned cpu, struct sim_thread *running, struct sim_thread *choice)
{
    const struct model_thread *chosen = model_of(choice);

    (void)running;
    assert_true(model_lag(chosen) >= -TOLERANCE);
    for (unsigned t = 0; t < SIMULATOR_THREADS; t++) {
        struct sim_thread *thread = &sim.thread[t];
        if (!model[t].queued || model[t].cpu != cpu)
            continue;
        double lag = model_lag(&model[t]);
        simulator_save(thread);
        assert_true(fabs(thread->record.lag - fmax(-LAG_LIMIT, fmin(LAG_LIMIT, lag))) <= TOLERANCE);
        greatest_lag = fmax(greatest_lag, fabs(lag));
        others_ineligible += lag < -TOLERANCE;
        if (lag > TOLERANCE)
            assert_true((model[t].deadline - chosen->deadline) * chosen->weight > -TOLERANCE);
    }
    choices++;
}

static const uint64_t ticks[] = {1000000, 10000000, 1234567, 300000}; /* lengths of a tick */

static const struct sim_observer observer = {
    .enqueued = model_enqueued,
    .dequeued = model_dequeued,
    .charged = model_charged,
    .yielded = model_yielded,
    .ticked = model_ticked,
    .chosen = model_chosen,
};

static void start(unsigned cpus, uint64_t seed, uint64_t tick)
{
    sched_tick_cycles = tick;
    memset(model, 0, sizeof(model));
    choices = others_ineligible = 0;
    greatest_lag = 0;
    simulator_start(EEVDF, cpus, seed);
    sim.observer = &observer;
}

static void as_the_model(void **state)
{
    (void)state;
    for (unsigned cpus = 1; cpus <= SIMULATOR_CPUS; cpus++) {
        start(cpus, cpus, ticks[cpus - 1]);
        for (int event = 0; event < 3000; event++)
            simulator_random_event();
        assert_true(choices > 700 && others_ineligible > choices);
    }
}

/* Threads that run all the time are never owed, nor have had too much, more than a request and half a tick. */
static void lag_is_bounded(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        start(1, seed, ticks[seed / 2 % 4]);
        for (unsigned t = 0; t < 12; t++)
            simulator_create(seed % 2 ? 100 + 50 * t : 1 + simulator_random(WEIGHT_MAX), PRIORITY_DEFAULT, 1, 0);
        simulator_spin(0, 3000);
        assert_true(choices > 200);
        assert_true(greatest_lag <= fmax(SLICE + sched_tick_cycles / 2., sched_tick_cycles) + TOLERANCE);
        assert_true(greatest_lag >= SLICE / 2);
    }
}

/* Sleep neither pays nor costs: who sleeps with a lag has it when it wakes, within two slices. */
static void lag_is_kept_across_sleep(void **state)
{
    unsigned kept[3] = {0};

    (void)state;
    start(1, 1, ticks[0]);
    for (unsigned t = 0; t < 6; t++)
        simulator_create(100 + 200 * t, PRIORITY_DEFAULT, 1, 0);
    for (unsigned round = 0; round < 500; round++) {
        struct sim_thread *thread = sim.cpu[0].running;
        simulator_run(0, simulator_random(3 * sched_tick_cycles));
        simulator_block(0);
        simulator_save(thread);
        int64_t lag = thread->record.lag;
        assert_true(fabs((double)lag) <= LAG_LIMIT);
        simulator_spin(0, simulator_random(20));
        simulator_save(thread);
        assert_int_equal(thread->record.lag, lag);
        thread->state = SIM_READY; /* as simulator_wake(), but with nobody charged before the lag is looked at */
        simulator_charge(0);
        sim.ops->enqueue((struct sched_queue *)sim.cpu[0].queue[0], (struct sched_entity *)thread->entity[0],
                         SCHED_WAKE);
        model_enqueued(thread, SCHED_WAKE);
        simulator_save(thread);
        assert_in_range(thread->record.lag - lag + 2, 0, 4);
        kept[lag > 0 ? 2 : lag < 0]++;
    }
    assert_true(kept[1] > 50 && kept[2] > 50);
}

/* Who wakes, is eligible and has an earlier deadline runs at once; one that has had too much, or has time, does not. */
static void waking_preempts(void **state)
{
    (void)state;
    start(1, 1, ticks[0]);
    struct sim_thread *heavy = simulator_create(1000, PRIORITY_DEFAULT, 1, 0);
    struct sim_thread *light = simulator_create(10, PRIORITY_DEFAULT, 1, 0);
    struct sim_thread *greedy = simulator_create(5000, PRIORITY_DEFAULT, 1, 0);
    while (sim.cpu[0].running != greedy)
        simulator_spin(0, 1);
    simulator_run(0, 10 * sched_tick_cycles);
    simulator_block(0);
    while (sim.cpu[0].running != heavy)
        simulator_spin(0, 1);
    simulator_block(0);
    assert_ptr_equal(sim.cpu[0].running, light);
    simulator_wake(heavy);
    assert_true(sim.preempted);
    assert_ptr_equal(sim.cpu[0].running, heavy);
    simulator_wake(greedy);
    assert_false(sim.preempted);
    simulator_create(10, PRIORITY_DEFAULT, 1, 0);
    assert_false(sim.preempted);
    assert_ptr_equal(sim.cpu[0].running, heavy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_model),
        cmocka_unit_test(lag_is_bounded),
        cmocka_unit_test(lag_is_kept_across_sleep),
        cmocka_unit_test(waking_preempts),
    };

    return cmocka_run_group_tests_name("sched_eevdf", tests, NULL, NULL);
}
