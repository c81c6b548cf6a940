/*
 * timer.h - the clock and the timer of each CPU.
 */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <stdint.h>

/*
 * Measures the rate of the time-stamp counter and of the local APIC timer against the HPET, or the PIT where there is
 * none. Once, on the bootstrap CPU, after arch_local_init(). Returns the counter's rate in Hz (rounded to what the
 * source allows).
 */
uint64_t arch_clock_calibrate(void);

/* Readies this CPU's timer: one-shot, TSC-deadline mode where the CPU has it. Each CPU once. */
void arch_timer_init(void);

/*
 * VECTOR_TIMER comes on this CPU when arch_clock() has reached `deadline` (at once if it has already); UINT64_MAX:
 * not at all. Replaces the earlier deadline. It may come early: the counter reaches only so far (4 s in emulators), and
 * its rate is rounded. Interrupts off.
 */
void arch_timer_set(uint64_t deadline);

/* The name of the source that the clock was calibrated with, and of the timer's mode, for `cpu`. */
const char *arch_clock_source(void);
const char *arch_timer_mode(void);

#endif
