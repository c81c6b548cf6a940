/*
 * switch.h - switching stacks. See arch/x86/switch.asm for what lies on a stack meanwhile.
 */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#include <arch/cpu.h>
#include <stdint.h>

#define ARCH_SWITCH_CLOBBERS \
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r14", "r15", "memory", "cc"

/*
 * Where arch_yield_entry puts the CPU and its running thread, and a place for the chosen one, for the function that
 * it calls: core/yield.c.
 */
#define ARCH_YIELD_CPU __asm__("rbx")
#define ARCH_YIELD_THREAD __asm__("r12")
#define ARCH_YIELD_CHOSEN __asm__("r13")

/*
 * Goes on with `next` on this CPU. Context: interrupts off, this CPU's queue lock held; returns when `previous` runs
 * again, perhaps on another CPU, with that CPU's queue lock released and interrupts still off.
 */
static inline void arch_switch(struct thread *previous, struct thread *next)
{
    register struct thread *from ARCH_YIELD_THREAD = previous;
    register struct thread *to ARCH_YIELD_CHOSEN = next;
    __asm__ volatile("call arch_switch_entry" : "+r"(from), "+r"(to)::ARCH_SWITCH_CLOBBERS);
}

/* thread_yield(), in the caller's place: nothing is saved that is not live. Context: a thread, interrupts on. */
static inline void arch_yield(void)
{
    __asm__ volatile("call arch_yield_entry; sti" ::: "r12", "r13", ARCH_SWITCH_CLOBBERS);
}

/* Where a new thread begins: arch/x86/switch.asm. */
void arch_thread_start(void);

/* Writes the first stack frame of a new thread, whose first act is thread_main(); returns its stack pointer. */
static inline uintptr_t arch_thread_frame(void *stack_top)
{
    uintptr_t *frame = (uintptr_t *)stack_top - 2;
    frame[0] = 0; /* RBP: a backtrace ends here */
    frame[1] = (uintptr_t)arch_thread_start;
    return (uintptr_t)frame;
}

/* Return addresses of a thread that does not run, by its saved frame: the frame pointer, and the first address. */
static inline void arch_thread_saved(uintptr_t stack_pointer, uintptr_t *frame_pointer, uintptr_t *address)
{
    const uintptr_t *saved = (const uintptr_t *)stack_pointer;
    *frame_pointer = saved[0];
    *address = saved[1];
}

#endif
