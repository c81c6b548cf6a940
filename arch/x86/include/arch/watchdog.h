/*
 * watchdog.h - an interrupt that comes though interrupts are off.
 */
#ifndef ARCH_WATCHDOG_H
#define ARCH_WATCHDOG_H

#include <stdbool.h>

#define ARCH_WATCHDOG_HZ 40

/*
 * Has CPU 0 take ARCH_WATCHDOG_HZ non-maskable interrupts a second: from the interval timer, whose line the I/O APIC
 * delivers as such. False: the machine has no such line, and a CPU that is stuck is not noticed.
 */
bool arch_watchdog_start(void);

/* Sends a non-maskable interrupt to one CPU, by index. In a non-maskable interrupt. */
void arch_send_nmi(unsigned cpu);

#endif
