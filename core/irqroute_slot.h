/*
 * irqroute_slot.h - the slot `irqroute`: asking its policy where a line goes, and verifying the answer.
 */
#ifndef CORE_IRQROUTE_SLOT_H
#define CORE_IRQROUTE_SLOT_H

#include "core/irq.h"
#include "core/slot.h"
#include <moult/irqroute.h>

extern const struct slot_type irqroute_slot_type;

/* The built-in policy: core/fallback/route_first.c. */
extern const struct irqroute_ops route_first_ops;

/* Asks for a line's CPU and sends the line there. Line lock held; a level line is masked and quiet. */
void irqroute_choose(struct irq_line *line);

/* Asks who of `listeners`, at least two, gets what the line's ISR has given. Never nobody. Line lock held. */
uint64_t irqroute_receivers(const struct irq_line *line, uint64_t listeners);

#endif
