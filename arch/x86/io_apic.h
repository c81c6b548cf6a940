/*
 * io_apic.h - sets the controllers of the machine's interrupt lines up.
 */
#ifndef ARCH_X86_IO_APIC_H
#define ARCH_X86_IO_APIC_H

/* Maps the I/O APICs that the firmware lists, and masks every pin. Bootstrap CPU, once. */
void io_apic_init(void);

#endif
