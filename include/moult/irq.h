/*
 * irq.h - the slots `irq.<line>`: everything that the author of an interrupt service routine needs.
 *
 * The core owns every fact: which lines there are, how they are triggered, which CPU gets them, what has come and was
 * acknowledged, every value that was read from a device, and who listens. It acknowledges, masks and ends interrupts.
 * An ISR owns a choice: what the values of its device mean, how many to take at once, and what to pass on. It takes
 * values with irq_take() and gives what it makes of them with irq_give(). When handle() has returned, both are settled
 * at once: what was given reaches those that listen (moult/line.h), what was taken is forgotten. If handle() fails
 * half-way nothing was given, and its successor takes the same values again. So every edge and every byte counts once.
 *
 * An ISR defines a structure of its own, struct irq_state, for which the core keeps the memory, one for each line.
 *
 * Context of every function below, unless it says otherwise: interrupts off, the line held by the core; it must not
 * block and takes no lock. Only `state` and what was handed in may be touched.
 */
#ifndef MOULT_IRQ_H
#define MOULT_IRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IRQ_STATE_BYTES 512 /* at most, for struct irq_state */
#define IRQ_TAKE_MAX 64     /* values that irq_take() gives in one call of handle() */
#define IRQ_GIVE_MAX 8      /* values that may be given for each that was taken */

/* What a line's device gives. Bits, since an ISR may serve several. */
#define IRQ_SOURCE_KEYS (1u << 0)  /* scan codes of set 1, a byte each */
#define IRQ_SOURCE_BYTES (1u << 1) /* a serial port's bytes */
#define IRQ_SOURCE_TICKS (1u << 2) /* numbers of events, from 1 on, modulo 2^32 */

/* Which fields of a record are valid. An ISR sets those that it knows; the others keep what the core remembers. */
#define IRQ_HAS_KEYS (1u << 0)
#define IRQ_HAS_LAST (1u << 1)
#define IRQ_HAS_PRIVATE (1u << 2)
#define IRQ_RECORD_VERSION 1

/* Keys held down, and the lock. */
#define IRQ_KEY_SHIFT_LEFT (1u << 0)
#define IRQ_KEY_SHIFT_RIGHT (1u << 1)
#define IRQ_KEY_CONTROL_LEFT (1u << 2)
#define IRQ_KEY_CONTROL_RIGHT (1u << 3)
#define IRQ_KEY_CAPS_LOCK (1u << 4)
#define IRQ_KEYS_ALL 0x1fu

/* Where a keyboard's stream stands between two bytes. */
struct irq_keys {
    uint16_t held;  /* IRQ_KEY_* */
    uint8_t prefix; /* 0xe0: it came last, and the next byte belongs to it; or 0 */
    uint8_t skip;   /* bytes that are still to be ignored, 0 … 2 */
};

/*
 * What a line's ISR must know of what has been, as it passes from one to the next. What else there is of the stream,
 * values taken but not settled, or given but not yet read by those that listen, is the core's and stays.
 */
struct irq_record {
    uint32_t version;       /* IRQ_RECORD_VERSION */
    uint32_t fields;        /* IRQ_HAS_*; 0 for a line that is new */
    struct irq_keys keys;   /* IRQ_HAS_KEYS */
    uint32_t last;          /* IRQ_HAS_LAST: the number of the last event */
    uint32_t family;        /* who understands `private` */
    uint32_t private_bytes; /* how much of `private` counts */
    uint8_t private[32];    /* for ISRs of one family; any other leaves it alone */
};

#define IRQ_SERVED 1 /* what handle() returns */

struct irq_state;

/* An ISR's functions. Those marked (optional) may be left out. */
struct irq_ops {
    uint32_t state_bytes; /* sizeof(struct irq_state) */
    uint32_t sources;     /* IRQ_SOURCE_*: the devices that it serves */
    uint32_t record_version;

    /*
     * (optional) May the ISR hand over now? Called before a swap with the machine running, in a thread; interrupts are
     * off. 0: yes; -EAGAIN: ask again; any other error: no.
     */
    int (*prepare)(struct irq_state *state);

    /* (optional) The swap that prepare() agreed to will not happen. Same context as prepare(). */
    void (*carry_on)(struct irq_state *state);

    /*
     * Takes over `line`: gives `state`, which is zeroed, what of `record` it knows, defaults for the rest. Called
     * before any other function.
     */
    void (*load)(struct irq_state *state, unsigned line, const struct irq_record *record);

    /*
     * Writes what it knows into `record` and sets those IRQ_HAS_* bits; changes nothing else. Called after every
     * handle(), so that the core's copy is never older than the last interrupt. Returns the bytes of the record that
     * it knows of: sizeof(struct irq_record).
     */
    size_t (*save)(const struct irq_state *state, struct irq_record *record);

    /*
     * An interrupt of `line` has come, or there is more to take. Takes with irq_take() until that gives nothing, or
     * leaves the rest: then it is called again soon. Taking nothing when there is something is a breach of the
     * contract. Returns IRQ_SERVED.
     */
    int (*handle)(struct irq_state *state, unsigned line);
};

/* The next value of the line's device; -1: no more for now. In handle() only, for the line that it was given. */
int64_t irq_take(unsigned line);

/*
 * Passes a value on to those that listen to the line. In handle() only. False: more than IRQ_GIVE_MAX for each taken.
 */
bool irq_give(unsigned line, uint32_t value);

#endif
