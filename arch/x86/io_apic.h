/*
 * io_apic.h - sets the controllers of the machine's interrupt lines up.
 */
#ifndef ARCH_X86_IO_APIC_H
#define ARCH_X86_IO_APIC_H

#include <stdbool.h>

/* Maps the I/O APICs that the firmware lists, and masks every pin. Bootstrap CPU, once. */
void io_apic_init(void);

/* Has an ISA line arrive at a CPU as a non-maskable interrupt. False: no I/O APIC has that line, or reaches the CPU. */
bool io_apic_deliver_nmi(unsigned line, unsigned cpu);

#endif
