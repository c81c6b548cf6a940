/*
 * record_slot.h - what slots have in common whose policies keep one state, and tell it in one record.
 *
 * The core asks the occupant for its record after each call and keeps a copy. So the policy that goes need not be asked
 * for anything, and one that has failed leaves what it knew after its last good call.
 */
#ifndef CORE_RECORD_SLOT_H
#define CORE_RECORD_SLOT_H

#include "core/slot.h"
#include "core/slot_call.h"

struct record_slot {
    size_t state_bytes;      /* reserved for a policy's state */
    size_t record_bytes;     /* at most RECORD_SLOT_BYTES */
    uint32_t record_version; /* the newest that the core knows */
    const void *record;      /* the core's copy */
    void **state;            /* where the core keeps the occupant's; changes in a rendezvous */
    /* A policy's own functions. */
    void (*load)(const void *ops, void *state, const void *record);
    uint64_t (*save)(const void *ops, const void *state, void *record);
    /* Is that a record whose fields are in bounds? */
    bool (*is_valid)(uint64_t bytes, const void *record);
};

#define RECORD_SLOT_BYTES 1280

/* By the slots' kinds; NULL for those that are not of this sort. */
extern const struct record_slot *const record_slots[SLOT_KIND_COUNT];

/* Members of a slot type: core/slot.h. */
int record_slot_check(uint32_t state_bytes, size_t most, uint32_t version, uint32_t known, struct failure *why);
int record_slot_renew(struct policy *policy);
int record_slot_reserve(struct policy *candidate, struct failure *why);
void record_slot_release(struct policy *policy);
void record_slot_install(struct policy *policy);
int record_slot_transfer(struct policy *from, struct policy *to, uint64_t *moved, struct failure *why);
int record_slot_rebuild(struct policy *to, uint64_t *moved);

/*
 * The stack that a policy's call under way would be abandoned to, while another policy is called from inside of it: a
 * policy may write to the log. Interrupts are off.
 */
struct slot_outer {
    uintptr_t stack, frame;
    bool serving;
};
struct slot_outer slot_enter(void);
void slot_leave(const struct slot_outer *outer);

#endif
