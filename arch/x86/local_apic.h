/*
 * local_apic.h - the local APIC's registers, for the timer and for starting CPUs.
 */
#ifndef ARCH_X86_LOCAL_APIC_H
#define ARCH_X86_LOCAL_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Offsets in the register page: SDM volume 3, table 10-1. */
#define APIC_ID 0x020
#define APIC_TASK_PRIORITY 0x080
#define APIC_END_OF_INTERRUPT 0x0b0
#define APIC_SPURIOUS 0x0f0
#define APIC_COMMAND 0x300
#define APIC_COMMAND_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define APIC_LVT_MASKED (1u << 16)

/* The interrupt command's fields: SDM volume 3, 10.6.1. */
#define APIC_DELIVER_NMI (4u << 8)
#define APIC_DELIVER_INIT (5u << 8)
#define APIC_DELIVER_START (6u << 8)
#define APIC_LEVEL_ASSERT (1u << 14)
#define APIC_ALL_OTHERS (3u << 18)

/* A register of this CPU's APIC. After arch_interrupts_init(). */
uint32_t local_apic_read(unsigned reg);
void local_apic_write(unsigned reg, uint32_t value);

/*
 * Sends the interrupt that the command's low word describes to one APIC id. Any context; ordered after earlier
 * stores.
 */
void local_apic_command(uint32_t apic_id, uint32_t command);

/* The same in a non-maskable interrupt, which may have come in the middle of another command: that one goes on. */
void local_apic_command_within(uint32_t apic_id, uint32_t command);

/* Whether an APIC id can be addressed in the mode that the APICs are in. */
bool local_apic_reaches(uint32_t apic_id);

#endif
