/*
 * firmware.h - what the firmware's tables say, for the rest of arch/x86.
 */
#ifndef ARCH_X86_FIRMWARE_H
#define ARCH_X86_FIRMWARE_H

#include "arch/x86/acpi.h"

/* Valid after arch_acpi_init(), constant from then on: at least one CPU, the bootstrap CPU first. */
const struct acpi_facts *firmware_facts(void);

/* The APIC id of a CPU by the kernel's index. */
uint32_t firmware_apic_id(unsigned cpu);

#endif
