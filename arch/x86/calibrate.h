/*
 * calibrate.h - measuring how fast the clock and the local APIC's counter go.
 */
#ifndef ARCH_X86_CALIBRATE_H
#define ARCH_X86_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_DIVIDE_BY_1 0xbu

struct rates {
    uint64_t clock_hz;
    uint64_t timer_hz; /* of the local APIC's counter at divide-by-1; 0 if not asked for */
};

/* Measures against the HPET, or the PIT where there is none. Takes about 10 ms. Panics if no source counts. */
void calibrate(struct rates *rates, bool with_timer);

#endif
