/*
 * smp.h - which CPUs the kernel runs on, for the rest of arch/x86.
 */
#ifndef ARCH_X86_SMP_H
#define ARCH_X86_SMP_H

#include <stdbool.h>

/* Whether a CPU, by index, has its interrupt table and can take an NMI. Any context. */
bool smp_started(unsigned cpu);

#endif
