/*
 * time.h - sleepers by deadline, and the timer interrupt of each CPU.
 */
#ifndef CORE_TIME_H
#define CORE_TIME_H

#include "core/thread.h"

#define TICKS_PER_SECOND 1000
#define NO_DEADLINE UINT64_MAX

/* Calibrates the clock. Once, on the bootstrap CPU. */
void time_init(void);

/* The clock at which `nanoseconds` from now have passed; NO_DEADLINE if that is beyond the clock's end. */
uint64_t time_deadline(uint64_t nanoseconds);

/* Cycles of the clock as nanoseconds. */
uint64_t time_nanoseconds(uint64_t cycles);

/*
 * Has the thread woken with -ETIMEDOUT at `deadline`, by this CPU's timer. Context: interrupts off, no queue lock held.
 */
void timer_add(struct thread *thread, uint64_t deadline);

/* Takes it out, if it is still in. Context: interrupts off, no queue lock held. */
void timer_cancel(struct thread *thread);

/*
 * Sets this CPU's timer for the earlier of its next tick and its first sleeper. Without the timer lock held, the first
 * sleeper may be another one meanwhile, and the timer is late then by up to the next tick. Context: interrupts off.
 */
void time_arm(struct cpu *cpu);

/* The handler of VECTOR_TIMER. */
void time_interrupt(void);

#endif
