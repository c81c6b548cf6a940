/*
 * transaction.h - one swap under way: what core/swap.c asks of core/transaction.c. The swapper's alone.
 */
#ifndef CORE_TRANSACTION_H
#define CORE_TRANSACTION_H

#include "core/slot.h"
#include "core/swap.h"
#include "core/thread.h"

/* The caller's, who waits for `done`. */
struct transaction {
    TAILQ_ENTRY(transaction) link;
    const struct swap_request *request;
    struct swap_report *report;
    struct failure *why;
    int result;
    struct semaphore done;
    struct part {
        struct slot *slot;
        struct policy *from, *to;
        uint64_t moved;         /* handed over so far */
        enum slot_state before; /* the slot's, to be restored */
        bool prepared;          /* `from` has agreed to hand over */
        bool from_failed;       /* it broke its contract meanwhile: it does not come back */
        bool to_failed;         /* likewise */
        bool handed;            /* at once, in the second rendezvous */
    } parts[SWAP_PARTS_MAX];
    unsigned count;
    uint64_t step_began;
    uint64_t number;
};

/* Runs it: 0 committed; otherwise nothing has changed and `why` says what was wrong. */
int transaction_run(struct transaction *transaction);

/*
 * The occupant has broken its contract, as `reason` tells, and is not asked for anything: the standby, or else the
 * fallback, takes over what the core's tables say. Returns how much that was.
 */
uint64_t transaction_rescue(struct slot *slot, const char *reason);

#endif
