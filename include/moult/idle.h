/*
 * idle.h - the slot `idle`: how a CPU waits when it has no thread to run.
 *
 * The core owns every fact: which CPUs have nothing to do, since when, what the machine can do, and the waiting itself.
 * A policy owns a choice: the way to wait this time. It defines struct idle_state, one for each CPU, for which the core
 * keeps the memory; there is no record, since a CPU that waits has nothing to hand over.
 *
 * Context of every function: interrupts off, on the CPU that the state belongs to (init apart); it must not block and
 * takes no lock.
 */
#ifndef MOULT_IDLE_H
#define MOULT_IDLE_H

#include <stdint.h>

#define IDLE_STATE_BYTES 128 /* at most, for struct idle_state */

/* Ways to wait. All end with an interrupt; the policy is asked again if there is still nothing to do. */
enum idle_way {
    IDLE_HALT,  /* the CPU stops until an interrupt */
    IDLE_POLL,  /* it looks again and again, for IDLE_POLL_TURNS times at most: the fastest to react */
    IDLE_MWAIT, /* it stops until an interrupt, or until another CPU asks it to choose; if facts->can_mwait */
    IDLE_WAYS
};

#define IDLE_POLL_TURNS 1000

/* One CPU that has nothing to do. */
struct idle_facts {
    uint32_t cpu;
    uint32_t can_mwait; /* 1: the machine has MONITOR and MWAIT */
    uint64_t last;      /* cycles of the clock for which it waited the last time; 0: it has not */
};

struct idle_state;

/* An idle policy's functions. */
struct idle_ops {
    uint32_t state_bytes; /* sizeof(struct idle_state) */

    /* Makes a CPU's first state. The memory is zeroed. */
    void (*init)(struct idle_state *state, unsigned cpu);

    /* How is the CPU to wait now? One of enum idle_way that the machine can. */
    unsigned (*choose)(struct idle_state *state, const struct idle_facts *facts);
};

#endif
