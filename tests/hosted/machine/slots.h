/*
 * slots.h - the slots of a hosted test: what core/slot_call.h calls, and what becomes of a policy that breaks its
 * contract.
 */
#ifndef MACHINE_SLOTS_H
#define MACHINE_SLOTS_H

#include <stdbool.h>

/* The ops of each slot's occupant, by enum slot_kind; NULL: there is none yet. */
extern const void *slots_ops[];

/* Breaches reported outside of hand-overs, and what the last one was. */
extern unsigned slots_faults;
extern char slots_fault[160];

/* A hand-over is under way in a slot of this type: its breach() is told. NULL: none is. */
struct slot_type;
extern const struct slot_type *slots_handing_over;

#endif
