/*
 * events.c - what happens to threads in the simulator. See simulator.h.
 */
#include "internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A thread has come to a queue: does it take the CPU at once? */
static void arrive(struct sim_thread *thread)
{
    unsigned cpu = thread->facts.cpu;
    struct sim_thread *running = sim.cpu[cpu].running;
    bool preempts = !running;

    simulator_charge(cpu);
    if (running && running != thread && sim.ops->preempts) {
        sim_remember();
        preempts = sim.ops->preempts(queue_of(cpu), entity_of(running), entity_of(thread));
        sim_assert_no_effect();
    }
    sim.preempted = preempts;
    if (preempts)
        sim_choose(cpu, false);
    sim_check();
}

struct sim_thread *simulator_create(uint32_t weight, uint32_t priority, uint64_t affinity, unsigned cpu)
{
    struct sim_thread *thread = sim.thread;

    while (thread < sim.thread + SIMULATOR_THREADS && thread->state != SIM_ABSENT)
        thread++;
    assert_true(thread < sim.thread + SIMULATOR_THREADS);
    thread->facts.weight = weight;
    thread->facts.priority = priority;
    thread->facts.affinity = affinity;
    thread->facts.cpu = cpu;
    thread->record = (struct sched_record){.version = SCHED_RECORD_VERSION};
    thread->state = SIM_READY;
    thread->runtime = thread->starts = 0;
    sim.ops->load(entity_of(thread), &thread->record);
    sim_enqueue(thread, SCHED_NEW);
    arrive(thread);
    return thread;
}

void simulator_run(unsigned cpu, uint64_t cycles)
{
    struct sim_cpu *c = &sim.cpu[cpu];

    if (!c->running)
        return;
    c->running->runtime += cycles;
    c->uncharged += cycles;
}

void simulator_tick(unsigned cpu)
{
    struct sim_thread *running = sim.cpu[cpu].running;

    if (!running)
        return;
    simulator_charge(cpu);
    bool again = sim.ops->tick(queue_of(cpu), entity_of(running));
    if (sim.observer && sim.observer->ticked)
        sim.observer->ticked(running, again);
    if (again)
        sim_choose(cpu, false);
    sim_check();
}

void simulator_spin(unsigned cpu, unsigned ticks)
{
    for (; ticks; ticks--) {
        simulator_run(cpu, sched_tick_cycles);
        simulator_tick(cpu);
    }
}

void simulator_yield(unsigned cpu)
{
    struct sim_thread *running = sim.cpu[cpu].running;

    if (!running)
        return;
    simulator_charge(cpu);
    if (sim.ops->yielded)
        sim.ops->yielded(queue_of(cpu), entity_of(running));
    if (sim.observer && sim.observer->yielded)
        sim.observer->yielded(running);
    sim_choose(cpu, false);
    sim_check();
}

/* The running thread, or another, leaves its queue. */
static void leave(struct sim_thread *thread, enum sched_reason reason)
{
    unsigned cpu = thread->facts.cpu;
    struct sim_cpu *c = &sim.cpu[cpu];

    simulator_charge(cpu);
    sim_dequeue(thread, reason);
    thread->state = reason == SCHED_EXIT ? SIM_ABSENT : SIM_SLEEPING;
    if (reason == SCHED_EXIT)
        sim_forget(thread);
    if (c->running == thread) {
        c->running = NULL;
        sim_choose(cpu, false);
    }
    sim_check();
}

void simulator_block(unsigned cpu)
{
    if (sim.cpu[cpu].running)
        leave(sim.cpu[cpu].running, SCHED_BLOCK);
}

void simulator_wake(struct sim_thread *thread)
{
    if (thread->state != SIM_SLEEPING)
        return;
    thread->state = SIM_READY;
    sim_enqueue(thread, SCHED_WAKE);
    arrive(thread);
}

void simulator_exit(struct sim_thread *thread)
{
    if (thread->state == SIM_READY)
        leave(thread, SCHED_EXIT);
    else if (thread->state == SIM_SLEEPING) {
        thread->state = SIM_ABSENT;
        sim_forget(thread);
    }
}

void simulator_change(struct sim_thread *thread, uint32_t weight, uint32_t priority)
{
    unsigned cpu = thread->facts.cpu;
    bool queued = thread->state == SIM_READY, running = sim.cpu[cpu].running == thread;

    if (thread->state == SIM_ABSENT)
        return;
    simulator_charge(cpu);
    if (queued)
        sim_dequeue(thread, SCHED_CHANGE);
    thread->facts.weight = weight;
    thread->facts.priority = priority;
    if (!queued)
        return;
    sim_enqueue(thread, SCHED_CHANGE);
    if (running && sim.ops->started)
        sim.ops->started(queue_of(cpu), NULL, entity_of(thread));
    simulator_charge(cpu);
    sim_choose(cpu, false);
    sim_check();
}

void simulator_pull(unsigned to, unsigned from)
{
    struct sim_thread *running = sim.cpu[from].running;

    simulator_charge(from);
    sim_remember();
    struct sched_entity *offered = sim.ops->offer(queue_of(from), entity_of(running), to);
    sim_assert_no_effect();
    if (!offered || from == to)
        return;
    struct sim_thread *thread = thread_of(offered);
    assert_ptr_equal(entity_of(thread), offered);
    assert_int_equal(thread->state, SIM_READY);
    assert_int_equal(thread->facts.cpu, from);
    assert_ptr_not_equal(thread, running);
    assert_true(thread->facts.affinity >> to & 1);
    sim_dequeue(thread, SCHED_MIGRATE);
    thread->facts.cpu = to;
    sim_enqueue(thread, SCHED_MIGRATE);
    arrive(thread);
}

void simulator_interrupt(unsigned cpu)
{
    simulator_charge(cpu);
    sim_choose(cpu, true);
    sim_check();
}

static struct sim_thread *any_thread(void)
{
    return &sim.thread[simulator_random(SIMULATOR_THREADS)];
}

static void create_any(void)
{
    unsigned cpu = simulator_random(sim.cpus), present = 0;

    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        present += sim.thread[t].state != SIM_ABSENT;
    if (present < SIMULATOR_THREADS / 2)
        simulator_create(simulator_random(8)   ? 1 + simulator_random(300)
                         : simulator_random(2) ? WEIGHT_MIN
                                               : WEIGHT_MAX,
                         PRIORITY_MIN + simulator_random(4) * 32, 1ull << cpu | simulator_random(16), cpu);
}

void simulator_random_event(void)
{
    unsigned cpu = simulator_random(sim.cpus);

    simulator_run(cpu, simulator_random(sched_tick_cycles));
    switch (simulator_random(16)) {
    case 0:
    case 1:
        create_any();
        break;
    case 2:
        simulator_exit(any_thread());
        break;
    case 3:
        simulator_change(any_thread(), 1 + simulator_random(WEIGHT_MAX), 1 + simulator_random(PRIORITY_MAX));
        break;
    case 4:
    case 5:
        simulator_block(cpu);
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        simulator_wake(any_thread());
        break;
    case 10:
    case 11:
        simulator_yield(cpu);
        break;
    case 12:
        simulator_pull(cpu, simulator_random(sim.cpus));
        break;
    case 13:
        simulator_interrupt(cpu);
        break;
    default:
        simulator_tick(cpu);
    }
}
