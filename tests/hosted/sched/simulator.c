/*
 * simulator.c - plays the core's part of the `sched` slot; see simulator.h.
 */
#include "simulator.h"
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

#define CHECK_ALL 5000
#define CHECK_EVERY 61
#define UNTOUCHED 0xa5 /* what memory that a scheduler has no business with is filled with */

struct simulation sim;
static struct simulation before; /* to compare with, or to go back to */

static struct sched_queue *queue_of(unsigned cpu)
{
    return (struct sched_queue *)sim.cpu[cpu].queue[sim.now];
}

static struct sched_entity *entity_of(struct sim_thread *thread)
{
    return thread ? (struct sched_entity *)thread->entity[sim.now] : NULL;
}

static struct sim_thread *thread_of(const struct sched_entity *entity)
{
    return (struct sim_thread *)(uintptr_t)(entity ? sched_facts(entity) : NULL);
}

static bool untouched(const unsigned char *bytes, size_t from, size_t to)
{
    while (from < to && bytes[from] == UNTOUCHED)
        from++;
    return from == to;
}

/* A scheduler writes to queues and entities alone, and only to as much of them as it asked for. */
static void check_memory(void)
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

static void remember(void)
{
    if (closely())
        memcpy(&before, &sim, sizeof(sim));
}

static void assert_no_effect(void)
{
    if (closely())
        assert_memory_equal(&before, &sim, sizeof(sim));
}

/* What the policy chooses on `cpu`: asked twice, without effect, and a thread that is queued there. */
static struct sim_thread *choice(unsigned cpu, struct sim_thread *running)
{
    remember();
    struct sched_entity *entity = sim.ops->choose(queue_of(cpu), entity_of(running));
    assert_ptr_equal(sim.ops->choose(queue_of(cpu), entity_of(running)), entity);
    assert_no_effect();
    if (!entity)
        return NULL;
    struct sim_thread *thread = thread_of(entity);
    assert_ptr_equal(entity_of(thread), entity);
    assert_int_equal(thread->state, SIM_READY);
    assert_int_equal(thread->facts.cpu, cpu);
    return thread;
}

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
    memcpy(&before, &sim, sizeof(sim));
    drain(cpu, NULL, order);
    memcpy(&sim, &before, sizeof(sim));
}

/* What must hold after every event. */
static void check(void)
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
    check_memory();
}

static void empty_queues(void)
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
    empty_queues();
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
static void choose_and_start(unsigned cpu, bool interrupted)
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

static void enqueue(struct sim_thread *thread, enum sched_reason reason)
{
    sim.ops->enqueue(queue_of(thread->facts.cpu), entity_of(thread), reason);
    if (sim.observer && sim.observer->enqueued)
        sim.observer->enqueued(thread, reason);
}

static void dequeue(struct sim_thread *thread, enum sched_reason reason)
{
    sim.ops->dequeue(queue_of(thread->facts.cpu), entity_of(thread), reason);
    if (sim.observer && sim.observer->dequeued)
        sim.observer->dequeued(thread, reason);
}

/* A thread has come to a queue: does it take the CPU at once? */
static void arrive(struct sim_thread *thread)
{
    unsigned cpu = thread->facts.cpu;
    struct sim_thread *running = sim.cpu[cpu].running;
    bool preempts = !running;

    simulator_charge(cpu);
    if (running && running != thread && sim.ops->preempts) {
        remember();
        preempts = sim.ops->preempts(queue_of(cpu), entity_of(running), entity_of(thread));
        assert_no_effect();
    }
    sim.preempted = preempts;
    if (preempts)
        choose_and_start(cpu, false);
    check();
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
    enqueue(thread, SCHED_NEW);
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
        choose_and_start(cpu, false);
    check();
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
    choose_and_start(cpu, false);
    check();
}

/* The running thread, or another, leaves its queue. */
static void leave(struct sim_thread *thread, enum sched_reason reason)
{
    unsigned cpu = thread->facts.cpu;
    struct sim_cpu *c = &sim.cpu[cpu];

    simulator_charge(cpu);
    dequeue(thread, reason);
    thread->state = reason == SCHED_EXIT ? SIM_ABSENT : SIM_SLEEPING;
    if (reason == SCHED_EXIT)
        memset(entity_of(thread), UNTOUCHED, SCHED_ENTITY_BYTES);
    if (c->running == thread) {
        c->running = NULL;
        choose_and_start(cpu, false);
    }
    check();
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
    enqueue(thread, SCHED_WAKE);
    arrive(thread);
}

void simulator_exit(struct sim_thread *thread)
{
    if (thread->state == SIM_READY)
        leave(thread, SCHED_EXIT);
    else if (thread->state == SIM_SLEEPING) {
        thread->state = SIM_ABSENT;
        memset(entity_of(thread), UNTOUCHED, SCHED_ENTITY_BYTES);
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
        dequeue(thread, SCHED_CHANGE);
    thread->facts.weight = weight;
    thread->facts.priority = priority;
    if (!queued)
        return;
    enqueue(thread, SCHED_CHANGE);
    if (running && sim.ops->started)
        sim.ops->started(queue_of(cpu), NULL, entity_of(thread));
    simulator_charge(cpu);
    choose_and_start(cpu, false);
    check();
}

void simulator_pull(unsigned to, unsigned from)
{
    struct sim_thread *running = sim.cpu[from].running;

    simulator_charge(from);
    remember();
    struct sched_entity *offered = sim.ops->offer(queue_of(from), entity_of(running), to);
    assert_no_effect();
    if (!offered || from == to)
        return;
    struct sim_thread *thread = thread_of(offered);
    assert_ptr_equal(entity_of(thread), offered);
    assert_int_equal(thread->state, SIM_READY);
    assert_int_equal(thread->facts.cpu, from);
    assert_ptr_not_equal(thread, running);
    assert_true(thread->facts.affinity >> to & 1);
    dequeue(thread, SCHED_MIGRATE);
    thread->facts.cpu = to;
    enqueue(thread, SCHED_MIGRATE);
    arrive(thread);
}

void simulator_interrupt(unsigned cpu)
{
    simulator_charge(cpu);
    choose_and_start(cpu, true);
    check();
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
    check_memory();
}

static void take_over(struct sim_thread *order[SIMULATOR_CPUS][SIMULATOR_THREADS + 1])
{
    for (unsigned c = 0; c < sim.cpus; c++)
        for (struct sim_thread **thread = order[c]; *thread; thread++) {
            sim.ops->load(entity_of(*thread), &(*thread)->record);
            enqueue(*thread, SCHED_HANDOVER);
            if (*thread == sim.cpu[c].running && sim.ops->started)
                sim.ops->started(queue_of(c), NULL, entity_of(*thread));
        }
    check();
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
    empty_queues();
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
