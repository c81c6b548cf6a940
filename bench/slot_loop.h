/*
 * slot_loop.h - calls through the slot `sched`, in the way of the core's short paths.
 */
#ifndef BENCH_SLOT_LOOP_H
#define BENCH_SLOT_LOOP_H

#include <stdint.h>

#define SLOT_LOOP_CALLS 100 /* in a batch, interrupts off */

/* Calls that slot_loop() has still to make. */
extern volatile uint32_t slot_loop_calls;

/* Through inline assembly alone, whose caller gives all registers away. Interrupts off, this CPU's queue lock held. */
void slot_loop(void);

#endif
