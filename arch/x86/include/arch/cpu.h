/*
 * cpu.h - the machine operations that are single instructions, and the way from a CPU to its own data.
 *
 * GS points at the running CPU's `struct cpu` (core/cpu.h), whose first two members the functions below read.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;
struct thread;

#define ARCH_FLAGS_INTERRUPTS (1ul << 9) /* RFLAGS.IF, Intel SDM volume 1, 3.4.3 */

/* Offsets in struct cpu that assembly and the functions below rely on; core/cpu.h asserts them. */
#define ARCH_CPU_SELF 0
#define ARCH_CPU_CURRENT 8

/* The CPU that runs this. Stable only while preemption is off. */
static inline struct cpu *arch_this_cpu(void)
{
    struct cpu *self;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(self) : "i"(ARCH_CPU_SELF));
    return self;
}

/* The running thread. Always right, since a thread that is preempted in between is the running one again afterwards. */
static inline struct thread *arch_current_thread(void)
{
    struct thread *current;
    __asm__("mov %%gs:%c1, %0" : "=r"(current) : "i"(ARCH_CPU_CURRENT));
    return current;
}

static inline void arch_interrupts_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void arch_interrupts_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline bool arch_interrupts_enabled(void)
{
    unsigned long flags;
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    return flags & ARCH_FLAGS_INTERRUPTS;
}

/* Turns interrupts off and returns what arch_interrupts_restore() takes. */
static inline unsigned long arch_interrupts_save(void)
{
    unsigned long flags;
    __asm__ volatile("pushf; pop %0; cli" : "=r"(flags)::"memory");
    return flags;
}

static inline void arch_interrupts_restore(unsigned long flags)
{
    if (flags & ARCH_FLAGS_INTERRUPTS)
        arch_interrupts_enable();
}

/* In every loop that waits for another CPU: an emulator that runs CPUs in turns goes on to the next one. */
static inline void arch_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* Turns interrupts on and waits for one: the interrupt cannot come between the two (SDM volume 2, STI). */
static inline void arch_wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

/*
 * Turns interrupts on and waits for one, or for a write to the line of memory that `word` is in; not if it is other
 * than 0 already (SDM volume 3, 9.10.4). Interrupts are off before. arch_can_wait_for_write() must be true.
 */
static inline void arch_wait_for_write(const volatile uint32_t *word)
{
    __asm__ volatile("monitor" ::"a"(word), "c"(0), "d"(0) : "memory");
    if (*word == 0)
        __asm__ volatile("sti; mwait" ::"a"(0), "c"(0) : "memory");
    else
        __asm__ volatile("sti" ::: "memory");
}

/* The time-stamp counter: the clock that run time is charged in. */
static inline uint64_t arch_clock(void)
{
    uint64_t clock; /* RDTSC clears the upper halves of both registers */
    __asm__ volatile("rdtsc; shl $32, %%rdx; or %%rdx, %%rax" : "=a"(clock)::"rdx", "memory", "cc");
    return clock;
}

/* A serialising instruction (SDM volume 3, 9.3): what other CPUs wrote into code is fetched anew after it. */
static inline void arch_serialise(void)
{
    uint32_t leaf = 0, sub = 0;
    __asm__ volatile("cpuid" : "+a"(leaf), "+c"(sub)::"ebx", "edx", "memory");
}

#endif
