/*
 * cpu.h - stands in for arch/x86/include/arch/cpu.h in hosted tests, by coming first in the order of includes.
 *
 * There is one CPU, which is this process; whether interrupts are on is a variable that a test can look at. GS points
 * at a `struct machine_cpu` (tests/hosted/machine/machine.h), so that the inline parts of core/lock.h work as they are.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCH_CPU_SELF 0
#define ARCH_CPU_CURRENT 8

struct cpu;
struct thread;

/* As the real ones, for what core/cpu.h asserts. */
#define ARCH_CPU_SELF 0
#define ARCH_CPU_CURRENT 8

extern bool machine_interrupts;

static inline struct thread *arch_current_thread(void)
{
    struct thread *current;
    __asm__("mov %%gs:%c1, %0" : "=r"(current) : "i"(ARCH_CPU_CURRENT));
    return current;
}

static inline unsigned long arch_interrupts_save(void)
{
    bool before = machine_interrupts;
    machine_interrupts = false;
    return before;
}

static inline void arch_interrupts_restore(unsigned long flags)
{
    machine_interrupts = flags;
}

static inline void arch_interrupts_disable(void)
{
    machine_interrupts = false;
}

static inline void arch_interrupts_enable(void)
{
    machine_interrupts = true;
}

/* Time passes when it is looked at. */
static inline uint64_t arch_clock(void)
{
    static uint64_t now;
    return now++;
}

static inline void arch_relax(void)
{
}

#endif
