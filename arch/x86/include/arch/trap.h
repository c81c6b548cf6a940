/*
 * trap.h - vectors, the frame that an interrupt or exception leaves on the stack, and who handles it.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Vectors (SDM volume 3, 6.2): 0-31 exceptions, 32-55 the I/O APIC's lines, 56 one that CPUs raise, then the core's
 * own.
 */
#define VECTOR_GENERAL_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define VECTOR_NMI 2
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_LINES 32
#define VECTOR_LINE_COUNT 25
#define VECTOR_TIMER 0xe0      /* the local APIC timer */
#define VECTOR_RESCHEDULE 0xe1 /* another CPU wants this one to choose again */
#define VECTOR_RENDEZVOUS 0xe2 /* another CPU holds all CPUs (core/rendezvous.c) */
#define VECTOR_KICK 0xe3       /* a line is to be served without an interrupt of its own (core/irq.c) */
#define VECTOR_SPURIOUS 0xff

/* Pushed by arch/x86/vectors.asm, the processor's part last (SDM volume 3, 6.14.2). */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

struct cpu;

/*
 * Builds and loads the descriptor tables of the CPU that runs this, and points GS at `cpu`, whose self and index are
 * set. CPU 0's first call makes do with one early interrupt stack; every other CPU's interrupt stacks exist before.
 */
void arch_descriptors_init(struct cpu *cpu);

/* Gives a CPU its interrupt stacks, with guard pages. -ENOMEM. After vm_init(). */
int arch_interrupt_stacks_init(struct cpu *cpu);

/* Every interrupt and exception comes here from assembly, interrupts off. */
void arch_trap(struct trap_frame *frame);

/* Where arch_trap() returns to: the trap frame lies above this return address on the stack. */
extern const uint8_t arch_trap_return[];

#endif
