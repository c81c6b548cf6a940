/*
 * interrupt.h - counts and names of the interrupt lines, for `irq`.
 */
#ifndef CORE_INTERRUPT_H
#define CORE_INTERRUPT_H

#include <stdint.h>

/* How often the vector has come, on all CPUs. */
uint64_t interrupt_count(unsigned vector);

#endif
