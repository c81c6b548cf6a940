/*
 * irq.h - the interrupt lines that have a slot: their facts, and how an interrupt is served.
 *
 * core/irq.c serves; core/irq_table.c has the table; core/irq_sources.c the devices; core/irq_listen.c who listens.
 * Concurrency: a line's lock is held while it is served, so one
 * CPU serves it at a time; it comes before every other lock but the module registry's (core/lock.h). The routing
 * policy's lock comes right after it.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "core/lock.h"
#include "core/slot_call.h"
#include <arch/interrupts.h>
#include <moult/irq.h>
#include <moult/line.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IRQ_LISTENERS_MAX 8

struct irq_line;

/* A device that raises a line. */
struct irq_device {
    const char *name;    /* for people */
    uint32_t source;     /* IRQ_SOURCE_* */
    const char *missing; /* what the log says if it is not there; NULL: nothing */
    /* Has it raise its line from now on. False: it is not there, or not wanted yet. At boot. */
    bool (*start)(void);
    /* Its next value; -1: none, and the next one raises the line again. Line lock held. */
    int64_t (*read)(struct irq_line *line);
};

/*
 * Somebody who gets what a line's ISR gives. put() is called in the line's order, with no more than room() said; but
 * for one that is not the first it may be more, and then it drops what does not fit and returns how much. Context of
 * both: line lock held.
 */
struct irq_listener {
    unsigned (*room)(struct irq_listener *listener);
    unsigned (*put)(struct irq_listener *listener, const uint32_t *values, unsigned count);
};

/*
 * One line. Under its lock, but for the constant members and where it says otherwise; in a rendezvous nobody holds it.
 */
struct irq_line {
    struct spinlock lock;
    const unsigned number;
    const enum slot_kind kind; /* of its slot */
    const struct irq_device *const device;
    bool open;               /* interrupts of it are served */
    bool level;              /* its trigger; changes while it is masked */
    bool failed;             /* its ISR has broken the contract, and is not called until it is replaced */
    bool swapping;           /* masked for a swap of its ISR */
    bool full;               /* values were left in the device, since the first listener had no room */
    bool kicked;             /* to be served though no interrupt has come; atomically */
    uint32_t served_by;      /* what spin_mark() is on the CPU that is in the ISR; 0: none */
    unsigned cpu;            /* that gets it */
    uint32_t vain;           /* calls in a row in which the ISR took nothing of what there was */
    uint32_t since_choice;   /* interrupts since the routing policy was asked */
    bool choice_due;         /* it is to be asked */
    struct irq_state *state; /* the occupant's; changes in a rendezvous */
    struct irq_record record;
    struct line_count count;
    uint32_t journal[IRQ_TAKE_MAX]; /* values read from the device and not settled; the first `taken` by this call */
    unsigned journal_count, taken;
    bool dry; /* in this call the device had no more */
    uint32_t given[IRQ_TAKE_MAX * IRQ_GIVE_MAX];
    unsigned given_count;
    struct irq_listener *listeners[IRQ_LISTENERS_MAX]; /* by bit */
    uint64_t listening;                                /* bits of those that are there */
    unsigned first;                                    /* the bit of the one that came first */
};

/* The line of that number, or of that kind of slot, or by index; NULL: there is none. */
struct irq_line *irq_line_find(unsigned number);
struct irq_line *irq_line_of_kind(unsigned kind);
struct irq_line *irq_line_at(unsigned index);

/* Opens the lines whose devices are there. On the bootstrap CPU, thread context. */
void irq_init(void);

/*
 * Opens a line, or opens it anew with another trigger, on a CPU that the routing policy chooses. Its device is silent.
 * -ENOENT, -ERANGE. Thread context.
 */
int irq_open(struct irq_line *line, enum arch_trigger trigger);

/* An interrupt has come on a line's vector: acknowledges it, serves it, ends it. Interrupts off, no lock held. */
void irq_interrupt(unsigned number);

/* Has the line served soon though no interrupt has come. Any context. */
void irq_kick(struct irq_line *line);

/* The handler of the interrupt that irq_kick() sends. Interrupts off, no lock held. */
void irq_kicked(void);

/* Has the first listener room for what one more value can give? Line lock held. */
bool irq_has_room(const struct irq_line *line);

/* Masks a level line if it must not come now, else unmasks it. Line lock held, or in a rendezvous. */
void irq_update_mask(struct irq_line *line);

/* Adds and removes a listener. -ENOENT: the line has no device; -ENOSPC. Thread context. */
int irq_listener_add(struct irq_line *line, struct irq_listener *listener);
void irq_listener_remove(struct irq_line *line, struct irq_listener *listener);

/* A listener has read something: whatever waited for room goes on. Any context, no lock held. */
void irq_room_made(struct irq_line *line);

/* Sends a line's interrupts to another CPU from now on. False: it cannot. Line lock held; a level line is quiet. */
bool irq_retarget(struct irq_line *line, unsigned cpu);

/* Verifies the lines in a rendezvous: returns the number of violations, and describes the first one. */
unsigned irq_check(char *details, size_t bytes);

#endif
