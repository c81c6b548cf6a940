/*
 * swap.h - the transaction that replaces the occupants of slots while they are in use.
 */
#ifndef CORE_SWAP_H
#define CORE_SWAP_H

#include <moult/errors.h>
#include <moult/module.h>
#include <stdbool.h>
#include <stdint.h>

/* The steps, in order. Each can be made to fail on purpose, to see that nothing has changed then. */
#define SWAP_STEPS(X) \
    X(LOAD, load) X(PREPARE, prepare) X(QUIESCE, quiesce) X(INSTALL, install) X(TRANSFER, transfer) X(COMMIT, commit)

enum swap_step {
#define X(constant, name) SWAP_##constant,
    SWAP_STEPS(X)
#undef X
        SWAP_STEP_COUNT
};

extern const char *const swap_step_names[SWAP_STEP_COUNT];

#define SWAP_FAIL_NOWHERE SWAP_STEP_COUNT
#define SWAP_PARTS_MAX 8           /* slots in one transaction */
#define SWAP_PROBATION_DEFAULT 100 /* milliseconds */

/* What is to be done with the policies of a request. */
enum swap_action {
    SWAP_OCCUPY,     /* they become the occupants */
    SWAP_SHADOW,     /* the first one is run beside the occupant: core/shadow.h */
    SWAP_SHADOW_END, /* that ends */
};

/* What is asked for. The texts are the caller's, who waits. */
struct swap_request {
    enum swap_action action;
    struct {
        const char *slot;
        const char *policy; /* a module or the slot's fallback; NULL: the policy that stands by */
    } parts[SWAP_PARTS_MAX];
    unsigned count;
    enum swap_step fail_at; /* the step to fail on purpose, not COMMIT, which cannot fail; or SWAP_FAIL_NOWHERE */
    uint32_t fail_memory;   /* which of the allocations is to fail on purpose, 1 …; 0: none */
    uint64_t budget;        /* cycles: undone before COMMIT if the blackout is longer; 0: as long as it takes */
    uint64_t probation;     /* milliseconds */
    bool keep;              /* the old policies stay after the probation, for an immediate way back */
};

struct swap_report {
    struct {
        char slot[MODULE_NAME_BYTES], from[MODULE_NAME_BYTES], to[MODULE_NAME_BYTES];
        uint64_t moved;    /* objects handed over */
        const char *moves; /* what they are: "threads" */
    } parts[SWAP_PARTS_MAX];
    unsigned count;
    uint64_t cycles[SWAP_STEP_COUNT]; /* of the clock, a step each */
    uint64_t blackout;                /* the longest time that any CPU could not serve the slots, each batch apart */
};

/*
 * Makes the policies the occupants of their slots, all or none. A module that is not in is loaded from the boot
 * archive. The swapper thread does it; the caller waits until it is committed or undone. 0; -ENOENT no such slot or
 * module, or nothing stands by; -EALREADY it is the occupant; -EINVAL the module has no policy for that slot, or a
 * slot is named twice; -ETIMEDOUT over the budget; -ETRUST, -EABI, -ELINK, -ENOEXEC, -ENOMEM, -EBUSY, -EPROTO.
 * `why` is filled on failure, and nothing has changed then. Thread context.
 */
int swap(const struct swap_request *request, struct swap_report *report, struct failure *why);

/*
 * The occupant of the slot of this kind broke its contract, as `what` tells: has the swapper put the last good policy
 * in its place, or the fallback, rebuilt from the core's tables. The first report counts until that is done. Any
 * context, queue locks held included; the swapper begins at the next timer or device
 * interrupt.
 */
__attribute__((format(printf, 2, 3))) void swap_rescue(unsigned kind, const char *what, ...);

/* Has that policy, the occupant of the slot, been reported, and is yet to be replaced? Any context. */
struct policy;
bool swap_rescue_due(unsigned kind, const struct policy *policy);

/* The swapper is to look: a shadow has failed. Any context; as above. */
void swap_rescue_note(void);

/* Wakes the swapper if a rescue is due. From interrupts, no lock held. */
void swap_rescue_poll(void);

/* Starts the swapper. */
void swap_init(void);

#endif
