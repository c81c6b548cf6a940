/*
 * candidate.h - policies outside of their slots: brought in, standing by, given up. The swapper's alone.
 */
#ifndef CORE_CANDIDATE_H
#define CORE_CANDIDATE_H

#include "core/slot.h"

/*
 * A policy of that name, ready to take over the slot: its module in use, its ops valid, its memory reserved and empty.
 * NULL as a name: the policy that stands by, which remains the standby meanwhile. *candidate is to be given to
 * candidate_give_up(), or becomes the occupant; also set on failure if there is something to give up, NULL if not.
 * Thread context.
 */
int candidate_get(struct slot *slot, const char *name, struct policy **candidate, struct failure *why);

/*
 * Frees a policy that is not the occupant; its module leaves if nobody else wants it. The fallback stays, and the
 * standby is made empty.
 */
void candidate_give_up(struct slot *slot, struct policy *policy);

/* The probation is over: the occupant is accepted. The standby is given up, unless it is to be kept. */
void candidate_accept(struct slot *slot);

#endif
