/*
 * irq_slot.h - the slots `irq.<line>`: the calls of a line's ISR, and its hand-over.
 */
#ifndef CORE_IRQ_SLOT_H
#define CORE_IRQ_SLOT_H

#include "core/irq.h"
#include "core/slot.h"

extern const struct slot_type irq_slot_type;

/* The built-in ISRs: core/fallback/irq_*.c. */
extern const struct irq_ops irq_keys_ops, irq_bytes_ops, irq_ticks_ops;

/* What the line's ISR answers to an interrupt, and to being asked for its record; 0: its call was abandoned. */
uint64_t irq_slot_handle(struct irq_line *line);
uint64_t irq_slot_save(struct irq_line *line, struct irq_record *record);

/* Has the fallback take over the line. At boot. */
void irq_slot_begin(struct irq_line *line);

/*
 * Takes over what an ISR has written, `bytes` by its own account, if it is within bounds; false: it is not. Line lock
 * held, or in a rendezvous.
 */
bool irq_record_keep(struct irq_line *line, uint64_t bytes, const struct irq_record *said);

#endif
