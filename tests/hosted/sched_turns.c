/* sources: tests/hosted/sched/simulator.c tests/hosted/sched/events.c tests/hosted/sched/handover.c
 * core/fallback/sched_fifo.c modules/sched/rr.c modules/sched/priority.c modules/sched/stride.c modules/sched/lottery.c
 * modules/sched/eevdf.c */
/*
 * sched_turns.c - the schedulers that go by turns (fifo, rr, priority) against a model, and what makes each what it is.
 *
 * The model of a CPU's queue is a plain list: the threads in the order in which they came or had their turn. The next
 * to run is the first, of the highest priority where priorities count.
 */
#include "sched/simulator.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct model {
    struct sim_thread *list[SIMULATOR_CPUS][SIMULATOR_THREADS];
    unsigned length[SIMULATOR_CPUS];
    unsigned ticks[SIMULATOR_THREADS]; /* used of its turn */
    unsigned choices;
} model;

static const unsigned turn[] = {[FIFO] = 10, [RR] = 4, [PRIORITY] = 4};

static void model_enqueued(struct sim_thread *thread, enum sched_reason reason)
{
    unsigned cpu = thread->facts.cpu;

    model.list[cpu][model.length[cpu]++] = thread;
    if (reason == SCHED_NEW)
        model.ticks[thread - sim.thread] = 0;
}

static void model_dequeued(struct sim_thread *thread, enum sched_reason reason)
{
    unsigned cpu = thread->facts.cpu, at = 0;

    while (model.list[cpu][at] != thread)
        at++;
    memmove(&model.list[cpu][at], &model.list[cpu][at + 1], (--model.length[cpu] - at) * sizeof(thread));
    if (reason == SCHED_BLOCK)
        model.ticks[thread - sim.thread] = 0;
}

static void model_to_the_end(struct sim_thread *thread)
{
    model_dequeued(thread, SCHED_BLOCK);
    model_enqueued(thread, SCHED_WAKE);
}

static struct sim_thread *model_first(unsigned cpu)
{
    struct sim_thread *first = model.length[cpu] ? model.list[cpu][0] : NULL;

    for (unsigned i = 1; i < model.length[cpu] && sim.policy == PRIORITY; i++)
        if (model.list[cpu][i]->facts.priority > first->facts.priority)
            first = model.list[cpu][i];
    return first;
}

static void model_ticked(struct sim_thread *thread, bool choose)
{
    bool over = ++model.ticks[thread - sim.thread] == turn[sim.policy];

    if (over)
        model_to_the_end(thread);
    if (sim.policy == FIFO)
        assert_int_equal(choose, over);
    else
        assert_int_equal(choose, model_first(thread->facts.cpu) != thread);
}

static void model_chosen(unsigned cpu, struct sim_thread *running, struct sim_thread *choice)
{
    assert_ptr_equal(choice, model_first(cpu));
    if (sim.policy == FIFO && choice != running)
        model.ticks[choice - sim.thread] = 0; /* its turns start anew */
    model.choices++;
}

static const struct sim_observer observer = {
    .enqueued = model_enqueued,
    .dequeued = model_dequeued,
    .yielded = model_to_the_end,
    .ticked = model_ticked,
    .chosen = model_chosen,
};

static void as_the_model(void **state)
{
    unsigned policy = (uintptr_t)*state;

    for (unsigned cpus = 1; cpus <= SIMULATOR_CPUS; cpus++) {
        memset(&model, 0, sizeof(model));
        simulator_start(policy, cpus, 500 * policy + cpus);
        sim.observer = &observer;
        for (int event = 0; event < 4000; event++)
            simulator_random_event();
        assert_true(model.choices > 1000);
    }
}

/* Threads that never wait run for as long as one another, whatever their weights; those that yield, as often. */
static void equal_turns(void **state)
{
    unsigned policy = (uintptr_t)*state;

    simulator_start(policy, 1, 1);
    for (unsigned t = 0; t < 7; t++)
        simulator_create(1 + t * 1000, PRIORITY_DEFAULT, 1, 0);
    simulator_spin(0, 7 * turn[policy] * 20);
    for (unsigned t = 0; t < 7; t++) {
        assert_int_equal(sim.thread[t].runtime, 20 * turn[policy] * sched_tick_cycles);
        sim.thread[t].starts = 0;
    }
    for (unsigned yields = 0; yields < 7 * 20; yields++)
        simulator_yield(0);
    for (unsigned t = 0; t < 7; t++)
        assert_int_equal(sim.thread[t].starts, 20);
}

/* Who gives up his turn has a whole one the next time; who is interrupted by an urgent thread has the rest, at once. */
static void whole_turns(void **state)
{
    simulator_start((uintptr_t)*state, 1, 1);
    struct sim_thread *a = simulator_create(1, 1, 1, 0), *b = simulator_create(1, 1, 1, 0);

    simulator_spin(0, 3);
    simulator_yield(0);
    assert_ptr_equal(sim.cpu[0].running, b);
    simulator_spin(0, 2);
    simulator_interrupt(0);
    assert_ptr_equal(sim.cpu[0].running, b);
    simulator_spin(0, 2);
    assert_ptr_equal(sim.cpu[0].running, a);
    simulator_spin(0, 3);
    assert_ptr_equal(sim.cpu[0].running, a);
    simulator_spin(0, 1);
    assert_ptr_equal(sim.cpu[0].running, b);
}

/* Places threads as SCHED_GLOBAL_ORDER has the core do: whoever waits and preempts somebody goes there. */
static void place_all(void)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned to = 0; to < sim.cpus; to++)
            for (unsigned from = 0; from < sim.cpus; from++) {
                struct sim_cpu *there = &sim.cpu[from], *here = &sim.cpu[to];
                struct sched_queue *queue = (struct sched_queue *)there->queue[sim.now];
                struct sched_entity *waiting = NULL;
                if (from != to && there->running)
                    waiting = sim.ops->offer(queue, (struct sched_entity *)there->running->entity[sim.now], to);
                if (!waiting ||
                    (here->running &&
                     !sim.ops->preempts(queue, (struct sched_entity *)here->running->entity[sim.now], waiting)))
                    continue;
                simulator_pull(to, from);
                moved = true;
            }
    }
}

static void highest_run(void **state)
{
    unsigned compared = 0;

    (void)state;
    assert_true(simulator_policies[PRIORITY].ops->flags & SCHED_GLOBAL_ORDER);
    simulator_start(PRIORITY, 4, 9);
    for (int event = 0; event < 3000; event++) {
        simulator_random_event();
        place_all();
        for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
            for (unsigned c = 0; c < sim.cpus; c++) {
                const struct sim_thread *thread = &sim.thread[t], *running = sim.cpu[c].running;
                if (thread->state != SIM_READY || thread == sim.cpu[thread->facts.cpu].running ||
                    !(thread->facts.affinity >> c & 1))
                    continue;
                assert_non_null(running);
                assert_true(running->facts.priority >= thread->facts.priority);
                compared++;
            }
    }
    assert_true(compared > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"as_the_model_fifo", as_the_model, NULL, NULL, (void *)FIFO},
        {"as_the_model_rr", as_the_model, NULL, NULL, (void *)RR},
        {"as_the_model_priority", as_the_model, NULL, NULL, (void *)PRIORITY},
        {"equal_turns_fifo", equal_turns, NULL, NULL, (void *)FIFO},
        {"equal_turns_rr", equal_turns, NULL, NULL, (void *)RR},
        {"equal_turns_priority", equal_turns, NULL, NULL, (void *)PRIORITY},
        {"whole_turns_rr", whole_turns, NULL, NULL, (void *)RR},
        {"whole_turns_priority", whole_turns, NULL, NULL, (void *)PRIORITY},
        cmocka_unit_test(highest_run),
    };

    return cmocka_run_group_tests_name("sched_turns", tests, NULL, NULL);
}
