/*
 * simulator.c - plays the core's part of the `sched` slot: its state, what must hold, and the calls that all events are
 * made of. See simulator.h.
 */
#include "internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

uint64_t sched_clock_hz = 1000000000;
uint64_t sched_tick_cycles = 1000000;

extern const struct sched_ops sched_fifo_ops, rr_ops, priority_ops, stride_ops, lottery_ops, eevdf_ops;
const struct policy simulator_policies[POLICIES] = {
    {"fifo", &sched_fifo_ops}, {"rr", &rr_ops},           {"priority", &priority_ops},
    {"stride", &stride_ops},   {"lottery", &lottery_ops}, {"eevdf", &eevdf_ops},
};

#define CHECK_ALL 5000 /* events, after which one in CHECK_EVERY is looked at closely */
#define CHECK_EVERY 61
#define UNTOUCHED 0xa5 /* what memory that a scheduler has no business with is filled with */

struct simulation sim;
static struct simulation before; /* to compare with */

static bool untouched(const unsigned char *bytes, size_t from, size_t to)
{
    while (from < to && bytes[from] == UNTOUCHED)
        from++;
    return from == to;
}

/* A scheduler writes to queues and entities alone, and only to as much of them as it asked for. */
void sim_check_memory(void)
{
    for (unsigned c = 0; c < sim.cpus; c++)
        assert_true(untouched(sim.cpu[c].queue[sim.now], sim.ops->queue_bytes, SCHED_QUEUE_BYTES));
    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        assert_true(untouched(sim.thread[t].entity[sim.now], sim.ops->entity_bytes, SCHED_ENTITY_BYTES));
}

/* Of the many events of a long run not all are looked at so closely. */
static bool closely(void)
{
    return sim.events < CHECK_ALL || sim.events % CHECK_EVERY == 0;
}

void sim_remember(void)
{
    if (closely())
        memcpy(&before, &sim, sizeof(sim));
}

void sim_assert_no_effect(void)
{
    if (closely())
        assert_memory_equal(&before, &sim, sizeof(sim));
}

/* What the policy chooses on `cpu`: asked twice, without effect, and a thread that is queued there. */
static struct sim_thread *choice(unsigned cpu, struct sim_thread *running)
{
    sim_remember();
    struct sched_entity *entity = sim.ops->choose(queue_of(cpu), entity_of(running));
    assert_ptr_equal(sim.ops->choose(queue_of(cpu), entity_of(running)), entity);
    sim_assert_no_effect();
    if (!entity)
        return NULL;
    struct sim_thread *thread = thread_of(entity);
    assert_ptr_equal(entity_of(thread), entity);
    assert_int_equal(thread->state, SIM_READY);
    assert_int_equal(thread->facts.cpu, cpu);
    return thread;
}

/* What must hold after every event. */
void sim_check(void)
{
    struct sim_thread *order[SIMULATOR_THREADS + 1];

    sim.events++;
    if (!closely())
        return;
    for (unsigned c = 0; c < sim.cpus; c++) {
        simulator_order(c, order);
        if (sim.cpu[c].running)
            assert_true(sim.cpu[c].running->state == SIM_READY && sim.cpu[c].running->facts.cpu == c);
        else
            assert_null(order[0]);
    }
    sim_check_memory();
}

/* A thread that has ended leaves memory that no scheduler may write to. */
void sim_forget(struct sim_thread *thread)
{
    memset(entity_of(thread), UNTOUCHED, SCHED_ENTITY_BYTES);
}

void sim_empty_queues(void)
{
    for (unsigned c = 0; c < sim.cpus; c++) {
        memset(queue_of(c), UNTOUCHED, SCHED_QUEUE_BYTES);
        memset(queue_of(c), 0, sim.ops->queue_bytes);
        sim.ops->queue_init(queue_of(c), c);
    }
    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        memset(sim.thread[t].entity[sim.now], UNTOUCHED, SCHED_ENTITY_BYTES);
}

void simulator_start(unsigned policy, unsigned cpus, uint64_t seed)
{
    memset(&sim, 0, sizeof(sim));
    sim.policy = policy;
    sim.ops = simulator_policies[policy].ops;
    sim.cpus = cpus;
    sim.random = seed;
    assert_true(sim.ops->entity_bytes <= SCHED_ENTITY_BYTES && sim.ops->queue_bytes <= SCHED_QUEUE_BYTES);
    for (unsigned t = 0; t < SIMULATOR_THREADS; t++)
        sim.thread[t].facts.thread = t;
    sim_empty_queues();
}

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t simulator_random(uint64_t limit)
{
    uint64_t z = sim.random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % limit;
}

void simulator_charge(unsigned cpu)
{
    struct sim_cpu *c = &sim.cpu[cpu];

    if (!c->running)
        return;
    if (sim.ops->charge)
        sim.ops->charge(queue_of(cpu), entity_of(c->running), c->uncharged);
    if (sim.observer && sim.observer->charged)
        sim.observer->charged(c->running, c->uncharged);
    c->uncharged = 0;
}

/* Starts what the policy chooses; simulator_charge() was called if somebody ran. */
void sim_choose(unsigned cpu, bool interrupted)
{
    struct sim_cpu *c = &sim.cpu[cpu];
    struct sim_thread *running = interrupted ? NULL : c->running, *next = choice(cpu, running);

    if (sim.observer && sim.observer->chosen && next)
        sim.observer->chosen(cpu, running, next);
    if (next && next != running) {
        if (sim.ops->started)
            sim.ops->started(queue_of(cpu), entity_of(running), entity_of(next));
        next->starts++;
    }
    c->running = next;
}

void sim_enqueue(struct sim_thread *thread, enum sched_reason reason)
{
    sim.ops->enqueue(queue_of(thread->facts.cpu), entity_of(thread), reason);
    if (sim.observer && sim.observer->enqueued)
        sim.observer->enqueued(thread, reason);
}

void sim_dequeue(struct sim_thread *thread, enum sched_reason reason)
{
    sim.ops->dequeue(queue_of(thread->facts.cpu), entity_of(thread), reason);
    if (sim.observer && sim.observer->dequeued)
        sim.observer->dequeued(thread, reason);
}
