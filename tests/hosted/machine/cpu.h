/*
 * cpu.h - the CPU of a hosted test, and what becomes of a panic on it.
 */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

/* Points GS at the CPU's data and turns its "interrupts" on: spin locks work from then on. */
void machine_cpu_start(void);

/* From now on this process is that CPU. No lock is held. */
void machine_cpu_be(unsigned index);

/*
 * What the core says when it panics in work(argument), which runs in a process of its own, whose every trace but in
 * shared memory is gone afterwards; NULL if it does not panic. A panic elsewhere fails the test. The text is good until
 * the next call.
 */
const char *machine_panic_in(void (*work)(void *argument), void *argument);

#endif
