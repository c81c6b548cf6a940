/*
 * workload_threads.h - between the start of workloads and what their threads do.
 */
#ifndef CORE_WORKLOAD_THREADS_H
#define CORE_WORKLOAD_THREADS_H

#include <moult/thread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* What two threads share: the partners of a pair, or a parent and its present child. */
struct bond {
    TAILQ_ENTRY(bond) link; /* pairs only */
    bool pair;
    volatile bool over;        /* one of the pair has ended */
    volatile uint32_t users;   /* who still refers to it; the last one frees it */
    uint64_t counts[2];        /* what each of the two has done */
    struct semaphore turns[2]; /* up when it is the turn of that partner */
};

/* Makes a bond, for the two partners of a pair or for a parent alone. NULL: no memory. */
struct bond *bond_create(bool pair);

/* One user less. */
void bond_put(struct bond *bond);

/* What a thread is made with: a block of the heap that the thread gives back. */
struct task {
    uint64_t period;   /* of a sleeper, in nanoseconds */
    struct bond *bond; /* of a partner or a parent: one of its users is this thread */
    unsigned side;     /* 0 or 1: which partner it is; 0 begins */
};

/* The kinds of threads that workloads are made of. */
enum role { ROLE_SPIN, ROLE_YIELD, ROLE_SLEEP, ROLE_PARENT, ROLE_PING, ROLE_PONG, ROLE_ALLOC };

struct workload_role {
    const char *name;              /* of its threads */
    void (*entry)(void *argument); /* the argument is a struct task */
};

/* By enum role. */
extern const struct workload_role workload_roles[];

/* The thread of ROLE_ALLOC: core/workload_alloc.c. */
void workload_alloc(void *argument);

/* A thread has found something wrong: `check` reports how often, and what the first was. `what` is a constant. */
void workload_violation(const char *what);

#endif
