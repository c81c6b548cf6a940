/*
 * shadow.h - a candidate that is run beside the occupant of a slot: it sees the same events and makes the same choices,
 * which are compared and have no effect.
 *
 * Whatever the candidate does is contained: if it fails, its shadow ends, and the occupant has never been asked.
 */
#ifndef CORE_SHADOW_H
#define CORE_SHADOW_H

#include "core/slot.h"

#define SHADOW_DECISIONS 4    /* kinds of decision, at most */
#define SHADOW_DIFFERENCES 16 /* the last ones that are kept */

/* What a slot type defines whose policies can be run in shadow. */
struct shadow_type {
    const void *ops;                         /* what the call sites lead to meanwhile */
    const char *decisions[SHADOW_DECISIONS]; /* their names; NULL: no more */
    const char *choice;                      /* what is chosen: "thread" */
    /* In a rendezvous: the candidate, which is empty, gets what the occupant has. -EPROTO: one of them failed. */
    int (*begin)(struct policy *occupant, struct policy *candidate, struct failure *why);
    /* In a rendezvous: the candidate is not called from now on. */
    void (*end)(void);
};

/* A decision in which the two differed. */
struct shadow_difference {
    uint64_t time; /* nanoseconds since boot */
    uint32_t cpu;
    uint32_t decision;
    uint64_t occupant, candidate; /* what each chose */
};

/* How a shadow goes. Counted under the slot's own locks, a CPU's apart. */
struct shadow_count {
    uint64_t asked[SHADOW_DECISIONS], differed[SHADOW_DECISIONS];
};

/* For people; a copy. */
struct shadow_report {
    char candidate[MODULE_NAME_BYTES];
    struct shadow_count count;
    struct shadow_difference last[SHADOW_DIFFERENCES]; /* the oldest first */
    unsigned last_count;
};

/* Counts a decision of both. Interrupts off, the lock of what was decided held. */
void shadow_note(const struct slot *slot, unsigned decision, uint64_t occupant, uint64_t candidate);

/* Has the shadow failed? Then the candidate is not to be called. Any context. */
bool shadow_has_failed(const struct slot *slot);

/* The candidate failed, as `what` says. Any context; the swapper ends the shadow soon. */
void shadow_failed(const struct slot *slot, const char *what);

/*
 * Runs a module's policy beside the occupant. -ENOENT: no such slot or module; -EBUSY: there is a shadow already, or a
 * hand-over; -ENOTSUP: not in a slot of this type; and as swap(). The swapper's.
 */
int shadow_begin(struct slot *slot, const char *name, struct failure *why);

/*
 * Ends the shadow of a slot, if there is one: the candidate, empty, is returned if it has that name, and else, or if it
 * has failed, given up (NULL). The swapper's.
 */
struct policy *shadow_end(struct slot *slot, const char *name);

/* In a rendezvous: the candidate, if there is one, is not called from now on; returned, to be given up. */
struct policy *shadow_drop(struct slot *slot);

/* Ends the shadows whose candidates have failed. The swapper's. */
void shadows_end_failed(void);

/* False: there is no shadow. The monitor's thread. */
bool shadow_report(const struct slot *slot, struct shadow_report *report);

#endif
