/*
 * faults.h - how a policy may fail inside one of its functions, whatever its slot.
 */
#ifndef TESTS_BAD_FAULTS_H
#define TESTS_BAD_FAULTS_H

#include <stdint.h>

#define NOWHERE 0x123456789000ul

/* The first values of the parameter `kind`. */
enum fault {
    READ_NOWHERE,
    WRITE_NOWHERE,
    JUMP_NOWHERE,
    GENERAL_PROTECTION,
    INVALID_OPCODE,
    DIVIDE_ERROR,
    STACK_OVERFLOW,
    LOOP,
    LOOP_WITH_INTERRUPTS,
    LOSE_REGISTERS,
    FAULTS
};

static inline void overflow_stack(void)
{
    __asm__ volatile("1: push %rax; jmp 1b");
}

/* Every register is overwritten, the stack pointer too, and then the stack is used. */
static inline void lose_registers(void)
{
    __asm__ volatile("mov $0x5a5a, %eax; mov %rax, %rbx; mov %rax, %rbp; mov %rax, %r12; mov %rax, %r13\n\t"
                     "mov %rax, %r14; mov %rax, %r15; std; xor %esp, %esp; push %rax");
}

/* Returns if that was none of them. */
static inline void fail_inside(uint64_t kind)
{
    switch (kind) {
    case READ_NOWHERE:
        (void)*(volatile uint64_t *)NOWHERE;
        break;
    case WRITE_NOWHERE:
        *(volatile uint64_t *)NOWHERE = 1;
        break;
    case JUMP_NOWHERE:
        ((void (*)(void))NOWHERE)();
        break;
    case GENERAL_PROTECTION:
        (void)*(volatile uint64_t *)0x5a5a5a5a5a5a5a5aul;
        break;
    case INVALID_OPCODE:
        __asm__ volatile("ud2");
        break;
    case DIVIDE_ERROR:
        __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx");
        break;
    case STACK_OVERFLOW:
        overflow_stack();
        break;
    case LOOP:
        for (;;)
            __asm__ volatile("");
    case LOOP_WITH_INTERRUPTS:
        for (;;)
            __asm__ volatile("sti");
    case LOSE_REGISTERS:
        lose_registers();
        break;
    default:
        break;
    }
}

#endif
