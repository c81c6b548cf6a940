/*
 * watchdog.c - the interval timer of the first PC as a source of non-maskable interrupts.
 *
 * Its line is edge-triggered and needs no acknowledgement. Concurrency: started once; arch_send_nmi() comes from a
 * non-maskable interrupt, perhaps in the middle of this CPU's own access to the command register, which is put back.
 */
#include "arch/x86/firmware.h"
#include "arch/x86/io_apic.h"
#include "arch/x86/local_apic.h"
#include "arch/x86/ports.h"
#include <arch/watchdog.h>

#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL 0x43
#define PIT_RATE 0x34 /* channel 0, both bytes of the count, mode 2 */
#define PIT_HZ 1193182u
#define PIT_LINE 0

bool arch_watchdog_start(void)
{
    uint16_t count = PIT_HZ / ARCH_WATCHDOG_HZ;
    if (!io_apic_deliver_nmi(PIT_LINE, 0))
        return false;
    port_write8(PIT_CONTROL, PIT_RATE);
    port_write8(PIT_CHANNEL_0, count & 0xff);
    port_write8(PIT_CHANNEL_0, count >> 8);
    return true;
}

void arch_send_nmi(unsigned cpu)
{
    local_apic_command_within(firmware_apic_id(cpu), APIC_LEVEL_ASSERT | APIC_DELIVER_NMI);
}
