/*
 * timer.h - waiting by the clock, for starting other CPUs.
 */
#ifndef ARCH_X86_TIMER_H
#define ARCH_X86_TIMER_H

#include <stdint.h>

/* So many microseconds in units of arch_clock(). After arch_clock_calibrate(). */
uint64_t timer_microseconds(uint64_t microseconds);

/* Waits, computing. For short times, at boot. */
void timer_delay(uint64_t microseconds);

#endif
