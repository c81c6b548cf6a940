/*
 * simulator.h - plays the core's part of the `sched` slot on this machine, as include/moult/sched.h describes it, to
 * test schedulers.
 *
 * The simulator owns the facts: threads, their state, whose queue they are in. It calls a scheduler's functions, in
 * the documented order, as events happen, and asserts after each one that no thread is lost or doubled, that what must
 * have no effect has none, and that no memory beyond what the scheduler asked for was touched. Time passes only in
 * simulator_run().
 *
 * One thread, no locks. Every assertion is cmocka's, so a breach ends the test that is running.
 */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include <moult/sched.h>

#define SIMULATOR_CPUS 4
#define SIMULATOR_THREADS 64

/* The schedulers under test, in the order of `simulator_policies`. */
enum { FIFO, RR, PRIORITY, STRIDE, LOTTERY, EEVDF, POLICIES };
struct policy {
    const char *name;
    const struct sched_ops *ops;
};
extern const struct policy simulator_policies[POLICIES];

enum sim_state { SIM_ABSENT, SIM_READY, SIM_SLEEPING };

/* A thread; at a multiple of THREAD_BYTES. The second entity is the one that a hand-over fills. */
struct sim_thread {
    struct sched_facts facts;
    struct sched_record record; /* the core's copy */
    enum sim_state state;
    uint64_t runtime; /* cycles */
    uint64_t starts;  /* how often it started to run after another */
    _Alignas(16) unsigned char entity[2][SCHED_ENTITY_BYTES];
    _Alignas(THREAD_BYTES) unsigned char end[0];
};

struct sim_cpu {
    _Alignas(16) unsigned char queue[2][SCHED_QUEUE_BYTES];
    struct sim_thread *running;
    uint64_t uncharged; /* cycles that `running` has run and was not charged for */
};

/* Who wants to follow what happens, such as a model that predicts it; each may be NULL. */
struct sim_observer {
    void (*enqueued)(struct sim_thread *thread, enum sched_reason reason);
    void (*dequeued)(struct sim_thread *thread, enum sched_reason reason);
    void (*charged)(struct sim_thread *thread, uint64_t cycles);
    void (*yielded)(struct sim_thread *thread);
    void (*ticked)(struct sim_thread *thread, bool choose);
    void (*chosen)(unsigned cpu, struct sim_thread *running, struct sim_thread *choice);
};

struct simulation {
    const struct sched_ops *ops;
    unsigned policy; /* index in simulator_policies */
    unsigned cpus;
    unsigned now; /* which of the two entities and queues is in use */
    uint64_t random;
    uint64_t events;
    bool preempted; /* the last thread that came took the CPU, or found it idle */
    const struct sim_observer *observer;
    struct sim_cpu cpu[SIMULATOR_CPUS];
    struct sim_thread thread[SIMULATOR_THREADS];
};

/* The one simulation, made empty for `policy` on `cpus` CPUs. */
extern struct simulation sim;
void simulator_start(unsigned policy, unsigned cpus, uint64_t seed);

/* A random number below `limit`, the same in every run. */
uint64_t simulator_random(uint64_t limit);

/* Events. Where one lets another thread run, the choice is made and the thread started. */
struct sim_thread *simulator_create(uint32_t weight, uint32_t priority, uint64_t affinity, unsigned cpu);
void simulator_run(unsigned cpu, uint64_t cycles); /* the running thread, or nobody, runs */
void simulator_charge(unsigned cpu);               /* comes before the other events by itself */
void simulator_tick(unsigned cpu);                 /* a timer tick, now */
void simulator_spin(unsigned cpu, unsigned ticks); /* runs for `ticks` ticks */
void simulator_yield(unsigned cpu);
void simulator_block(unsigned cpu);
void simulator_wake(struct sim_thread *thread);
void simulator_exit(struct sim_thread *thread);
void simulator_change(struct sim_thread *thread, uint32_t weight, uint32_t priority);
void simulator_pull(unsigned to, unsigned from); /* moves what the queue of `from` offers, if it offers any */
void simulator_interrupt(unsigned cpu); /* an urgent thread, of which the scheduler knows nothing, runs in between */

/*
 * Hands over to another policy: on each CPU the running thread first, then the others in order of choice. `order`, if
 * not NULL, receives CPU 0's threads in the order in which they went, then NULL.
 */
void simulator_swap(unsigned policy, struct sim_thread **order);

/* A hand-over that fails after all threads were given up: the same policy takes them back. */
void simulator_abort(void);

/* The order in which the policy would hand over `cpu`'s threads, without doing it. NULL ends it. */
void simulator_order(unsigned cpu, struct sim_thread **order);

/* Writes what the policy knows of a thread into its record. */
void simulator_save(struct sim_thread *thread);

/* One event, drawn at random, of those above but swaps. */
void simulator_random_event(void);

#endif
