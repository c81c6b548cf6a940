/*
 * irqroute.h - the slot `irqroute`: which CPU gets a line's interrupts, and who of those that listen what comes of it.
 *
 * The core owns every fact: where each line goes now, which CPUs there are and what they do, who listens. It asks when
 * a line is opened, for every line when the slot's occupant has changed, and after each IRQROUTE_PERIOD interrupts of
 * a line, and it moves the line while it is not in service. The policy defines struct irqroute_state, one in all, for
 * which the core keeps the memory; no record is handed over, since where the lines go is known.
 *
 * Context of every function: interrupts off, one call at a time; it must not block and takes no lock.
 */
#ifndef MOULT_IRQROUTE_H
#define MOULT_IRQROUTE_H

#include <stdint.h>

#define IRQROUTE_STATE_BYTES 2048 /* at most, for struct irqroute_state */
#define IRQROUTE_PERIOD 64        /* interrupts of one line between two choices */

/* One CPU. */
struct irqroute_cpu {
    uint32_t online;     /* 0: no line may be sent to it */
    uint32_t lines;      /* that go to it now */
    uint64_t load;       /* the sum of its runnable threads' weights */
    uint64_t interrupts; /* that it has served, of every kind */
};

/* One line, and where it could go. */
struct irqroute_facts {
    uint32_t line;
    uint32_t cpu;                    /* that gets it now */
    uint64_t interrupts;             /* of this line, so far */
    uint32_t cpu_count;              /* of `cpus` */
    const struct irqroute_cpu *cpus; /* by number */
};

struct irqroute_state;

/* A routing policy's functions. */
struct irqroute_ops {
    uint32_t state_bytes; /* sizeof(struct irqroute_state) */

    /* Makes the first state. The memory is zeroed. */
    void (*init)(struct irqroute_state *state, unsigned cpu_count);

    /* The number of the CPU, one that is online, that is to get the line from now on. It may be the one that has it. */
    unsigned (*choose)(struct irqroute_state *state, const struct irqroute_facts *facts);

    /*
     * (optional) Who of `listeners`, a set of at least two as bits, gets what the line's ISR has given? A subset; 0:
     * the first of them. Left out: always the first.
     */
    uint64_t (*receivers)(struct irqroute_state *state, unsigned line, uint64_t listeners);
};

#endif
