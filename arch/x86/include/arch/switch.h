/*
 * switch.h - switching stacks. See arch/x86/switch.asm for what lies on a stack meanwhile.
 */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#include <arch/cpu.h>
#include <stdint.h>

struct semaphore;

/* What a switch leaves of the registers, RBP and those of the two threads apart: nothing. */
#define ARCH_SWITCH_SCRATCH "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc"

/* Registers of their own for the CPU, its running thread and the next one, in core/relinquish.c; and what is left. */
#define ARCH_SWITCH_CPU __asm__("rbx")
#define ARCH_SWITCH_FROM __asm__("r12")
#define ARCH_SWITCH_TO __asm__("r13")
#define ARCH_SWITCH_SPARE_1 __asm__("r14")
#define ARCH_SWITCH_SPARE_2 __asm__("r15")

/*
 * Goes on with the thread in ARCH_SWITCH_TO instead of the one in ARCH_SWITCH_FROM. Where the caller is resumed, the
 * former is itself. As the last act of a function that is called by inline assembly; else as below.
 */
void arch_switch_entry(void);

/*
 * Goes on with `next` on this CPU. Context: interrupts off, this CPU's queue lock held; returns when `previous` runs
 * again, perhaps on another CPU, with that CPU's queue lock released and interrupts still off.
 */
static inline void arch_switch(struct thread *previous, struct thread *next)
{
    register struct thread *from ARCH_SWITCH_FROM = previous;
    register struct thread *to ARCH_SWITCH_TO = next;
    __asm__ volatile("call arch_switch_entry" : "+r"(from), "+r"(to)::"rbx", "r14", "r15", ARCH_SWITCH_SCRATCH);
}

/*
 * How a function of core/relinquish.c begins: interrupts off, this CPU and its running thread in their registers. As a
 * macro, since a value that passes through the compiler's hands would get another register.
 */
#define arch_begin_here(cpu, running)                            \
    __asm__ volatile("cli\n\t"                                   \
                     "mov %%gs:%c2, %0\n\t"                      \
                     "mov %%gs:%c3, %1"                          \
                     : "=r"(cpu), "=r"(running)                  \
                     : "i"(ARCH_CPU_SELF), "i"(ARCH_CPU_CURRENT) \
                     : "memory")

/* Has the compiler look for their values in their own registers from here on: it would else keep copies elsewhere. */
#define arch_settle_here(cpu, running, next) __asm__ volatile("" : "+r"(cpu), "+r"(running), "+r"(next))

/* Gives the function that uses it a stack frame, which the compiler sees no need for: backtraces go by frames. */
static inline __attribute__((always_inline)) void arch_need_frame(void)
{
    __asm__ volatile("" ::"r"(__builtin_frame_address(0)));
}

/* thread_yield(), in the caller's place: nothing is saved that is not live. Context: a thread, interrupts on. */
static inline void arch_yield(void)
{
    __asm__ volatile("call schedule_yield; sti" ::: "rbx", "r12", "r13", "r14", "r15", ARCH_SWITCH_SCRATCH);
}

/*
 * semaphore_down(), likewise, with interrupts off afterwards and its end still to be looked at: core/wait.h. Returns
 * the running thread.
 */
static inline struct thread *arch_down(struct semaphore *semaphore)
{
    register struct thread *self ARCH_SWITCH_TO;
    __asm__ volatile("call schedule_down"
                     : "=r"(self), "+D"(semaphore)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r14", "r15", "memory",
                       "cc");
    return self;
}

/* semaphore_up(), likewise. Context: any. */
static inline void arch_up(struct semaphore *semaphore)
{
    __asm__ volatile("call arch_up_entry"
                     : "+D"(semaphore)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
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
