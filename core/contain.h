/*
 * contain.h - a policy that faults, hangs or turns interrupts on costs the system that policy and nothing else.
 *
 * While a policy's function runs, interrupts are off and the CPU has recorded where its call is abandoned to
 * (arch/guard.h). What happens then is told by the trap; the call is abandoned, and whoever made it goes on: the slot
 * is rescued (core/swap.h), or the hand-over learns who failed.
 */
#ifndef CORE_CONTAIN_H
#define CORE_CONTAIN_H

#include <stdbool.h>
#include <stddef.h>

struct trap_frame;

/*
 * An exception, told by `what`. True: it happened inside a policy's function, whose call is abandoned, and the frame
 * returns to where that is; false: it is the core's own. Context: an exception's.
 */
bool contain_exception(struct trap_frame *frame, const char *what);

/*
 * A maskable interrupt has arrived. True: inside a policy's function, which had no right to turn them on; as above. The
 * interrupt cannot be served there, and is to be raised again.
 */
bool contain_interrupt(struct trap_frame *frame);

/*
 * A non-maskable interrupt: looks, on CPU 0, which CPUs have not moved since the last two, and has the policy's
 * function that one is stuck in go on in single steps, so many at most.
 */
void contain_watchdog(struct trap_frame *frame);

/* Writes what happened, and at which function of whom. Any context. */
void contain_describe(const struct trap_frame *frame, const char *what, char *text, size_t bytes);

/* A debug exception. True: it was one of the single steps of a policy's function that is suspected to be stuck. */
bool contain_step(struct trap_frame *frame);

/*
 * Calls function(argument), in which policies' functions are called by their addresses. NULL: it returned; else why it
 * was abandoned, until this CPU's next such call. Interrupts are off.
 */
const char *contain_try(void (*function)(void *argument), void *argument);

/*
 * The same for the swapper, interrupts off meanwhile. 0;
 * -EPROTO: abandoned, *module is whose fault it was (NULL:
 * not known), and contain_reason() tells why. Thread context or a rendezvous; the swapper's alone.
 */
struct module;
int contain_call(void (*function)(void *argument), void *argument, const struct module **module);
const char *contain_reason(void);

#endif
