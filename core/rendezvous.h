/*
 * rendezvous.h - every CPU waits in the core, interrupts off, while one of them works.
 */
#ifndef CORE_RENDEZVOUS_H
#define CORE_RENDEZVOUS_H

#include <stdint.h>

/*
 * Runs `work(argument)` on this CPU while all the other online CPUs wait in the core with interrupts off; every CPU
 * executes a serialising instruction and flushes its TLB before it goes on. Thread context, interrupts on, no spin
 * lock held. One at a time: a second one waits. Returns for how many cycles of the clock interrupts were off here.
 */
uint64_t rendezvous(void (*work)(void *argument), void *argument);

/* The others' side: the handler of VECTOR_RENDEZVOUS. */
void rendezvous_interrupt(void);

/*
 * Flushes every CPU's TLB; returns when it is done. Thread context, interrupts on; at boot, while one CPU runs, any
 * context.
 */
void smp_flush_tlb(void);

struct cpu;

/*
 * Sets cpu_count to how many CPUs are to run: those that the firmware lists, or as many as the command line's `cpus=`
 * says; and patches many_cpus(). Once, at boot.
 */
void smp_count(void);

/* Gives a CPU's structure its identity and empty lists; it begins idle. */
void cpu_prepare(struct cpu *cpu, unsigned index);

/* Starts CPUs 1 … cpu_count - 1. One that does not start is left out, and the log says so. */
void smp_start(void);

/* Where another CPU begins: called by the machine's start-up code on the CPU's own stack, interrupts off. */
_Noreturn void cpu_main(struct cpu *cpu);

#endif
