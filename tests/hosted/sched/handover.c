/*
 * handover.c - one scheduler hands over to another in the simulator. See simulator.h.
 */
#include "internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * Empties a queue as a hand-over does, `first` first if it is not NULL, and asserts that every thread that is ready
 * there came out, once.
 */
static void drain(unsigned cpu, struct sim_thread *first, struct sim_thread **order)
{
    struct sched_entity *entity = first ? entity_of(first) : sim.ops->choose(queue_of(cpu), NULL);
    unsigned found = 0, ready = 0;
    bool seen[SIMULATOR_THREADS] = {false};

    for (; entity; found++) {
        struct sim_thread *thread = thread_of(entity);
        assert_ptr_equal(entity_of(thread), entity);
        assert_int_equal(thread->state, SIM_READY);
        assert_int_equal(thread->facts.cpu, cpu);
        assert_false(seen[thread - sim.thread]);
        seen[thread - sim.thread] = true;
        simulator_save(thread);
        sim.ops->dequeue(queue_of(cpu), entity, SCHED_HANDOVER);
        order[found] = thread;
        entity = sim.ops->choose(queue_of(cpu), NULL);
    }
    order[found] = NULL;
    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        ready += sim.thread[t].state == SIM_READY && sim.thread[t].facts.cpu == cpu;
    assert_int_equal(found, ready);
}

void simulator_order(unsigned cpu, struct sim_thread **order)
{
    static struct simulation before;

    memcpy(&before, &sim, sizeof(sim));
    drain(cpu, NULL, order);
    memcpy(&sim, &before, sizeof(sim));
}

void simulator_save(struct sim_thread *thread)
{
    struct sched_record old = thread->record;
    bool queued = thread->state == SIM_READY;

    sim.ops->save(queued ? queue_of(thread->facts.cpu) : NULL, entity_of(thread), &thread->record);
    const struct sched_record *record = &thread->record;
    assert_int_equal(record->version, old.version);
    assert_int_equal(record->fields & old.fields, old.fields);
    assert_int_equal(record->fields & ~old.fields & ~(SCHED_HAS_SLICE | SCHED_HAS_LAG | SCHED_HAS_PRIVATE), 0);
    if (record->fields & SCHED_HAS_SLICE & ~old.fields)
        assert_true(record->slice <= SCHED_SLICE_MAX);
    if (record->fields & SCHED_HAS_LAG & ~old.fields)
        assert_true(record->lag <= SCHED_LAG_MAX && record->lag >= -SCHED_LAG_MAX);
}

static void give_up(struct sim_thread *order[SIMULATOR_CPUS][SIMULATOR_THREADS + 1])
{
    for (unsigned c = 0; c < sim.cpus; c++) {
        simulator_charge(c);
        drain(c, sim.cpu[c].running, order[c]);
    }
    sim_check_memory();
}

static void take_over(struct sim_thread *order[SIMULATOR_CPUS][SIMULATOR_THREADS + 1])
{
    for (unsigned c = 0; c < sim.cpus; c++)
        for (struct sim_thread **thread = order[c]; *thread; thread++) {
            sim.ops->load(entity_of(*thread), &(*thread)->record);
            sim_enqueue(*thread, SCHED_HANDOVER);
            if (*thread == sim.cpu[c].running && sim.ops->started)
                sim.ops->started(queue_of(c), NULL, entity_of(*thread));
        }
    sim_check();
}

void simulator_swap(unsigned policy, struct sim_thread **order)
{
    struct sim_thread *given_up[SIMULATOR_CPUS][SIMULATOR_THREADS + 1];

    give_up(given_up);
    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        if (sim.thread[t].state == SIM_SLEEPING)
            simulator_save(&sim.thread[t]);
    sim.now ^= 1;
    sim.policy = policy;
    sim.ops = simulator_policies[policy].ops;
    sim_empty_queues();
    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        if (sim.thread[t].state == SIM_SLEEPING)
            sim.ops->load(entity_of(&sim.thread[t]), &sim.thread[t].record);
    take_over(given_up);
    if (order)
        memcpy(order, given_up[0], sizeof(given_up[0]));
}

void simulator_abort(void)
{
    struct sim_thread *given_up[SIMULATOR_CPUS][SIMULATOR_THREADS + 1];

    give_up(given_up);
    take_over(given_up);
}
