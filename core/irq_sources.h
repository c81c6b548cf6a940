/*
 * irq_sources.h - the devices behind the lines.
 */
#ifndef CORE_IRQ_SOURCES_H
#define CORE_IRQ_SOURCES_H

#include "core/irq.h"

extern const struct irq_device irq_keyboard, irq_serial_1, irq_serial_2, irq_timer, irq_software;

#endif
