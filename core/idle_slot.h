/*
 * idle_slot.h - the slot `idle`: asking its policy how a CPU is to wait, and the waiting.
 */
#ifndef CORE_IDLE_SLOT_H
#define CORE_IDLE_SLOT_H

#include "core/cpu.h"
#include "core/slot.h"
#include <moult/idle.h>

extern const struct slot_type idle_slot_type;

/* The built-in policy: core/fallback/idle_halt.c. */
extern const struct idle_ops idle_halt_ops;

/*
 * Waits on this CPU until there may be something to do, interrupts on meanwhile. The idle thread, interrupts off; they
 * are on when it returns. The CPU is not asked to choose already.
 */
void idle_wait(struct cpu *cpu);

#endif
