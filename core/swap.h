/*
 * swap.h - the transaction that replaces the occupant of a slot while it is in use.
 */
#ifndef CORE_SWAP_H
#define CORE_SWAP_H

#include <moult/errors.h>
#include <moult/module.h>
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

struct swap_report {
    char slot[MODULE_NAME_BYTES], from[MODULE_NAME_BYTES], to[MODULE_NAME_BYTES];
    uint64_t threads;                 /* handed over */
    uint64_t cycles[SWAP_STEP_COUNT]; /* of the clock, a step each */
    uint64_t blackout;                /* the longest time that any CPU could not serve the slot */
};

/*
 * Makes the policy `name` (a module, loaded from the boot archive if it is not in, or the slot's fallback) the
 * occupant of `slot`. The swapper thread does it; the caller waits. `fail_at`: the step to fail on purpose (not
 * COMMIT, which cannot fail), or SWAP_FAIL_NOWHERE. 0; -ENOENT no such slot or module; -EALREADY it is the occupant;
 * -EINVAL the module has no policy for that slot; -EABI, -ELINK, -ENOEXEC, -ENOMEM, -EBUSY, -EPROTO. `why` is filled
 * on failure, and nothing has changed then. Thread context.
 */
int swap(const char *slot, const char *name, enum swap_step fail_at, struct swap_report *report, struct failure *why);

/*
 * The occupant of the slot of this kind broke its contract: has the swapper put the fallback in its place, rebuilt
 * from the core's tables. The first report counts until that is done. Any context, queue locks held included; the
 * swapper begins at the next timer interrupt.
 */
void swap_rescue(unsigned kind, const char *what, uintptr_t value);

/* Wakes the swapper if a rescue is due. From the timer interrupt, no lock held. */
void swap_rescue_poll(void);

/* Starts the swapper. */
void swap_init(void);

#endif
