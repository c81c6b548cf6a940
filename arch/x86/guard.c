/*
 * guard.c - leads an interrupted execution to the end of the call that is abandoned.
 *
 * The processor's frame is changed in place: the return from the exception does the rest. Registers that a policy may
 * have left in any state are set so that the core can go on: those that core/relinquish.c reserves, the direction flag,
 * interrupts; the others are cleared.
 */
#include "core/cpu.h"
#include <arch/cpu.h>
#include <arch/guard.h>
#include <arch/trap.h>

#define FLAGS_PLAIN 2u /* interrupts off, direction up; the bit that is always set: SDM volume 1, 3.4.3 */

extern const uint8_t arch_guard_abandoned[], arch_trial_abandoned[];

static void leave_call(struct trap_frame *frame, uintptr_t where)
{
    const struct cpu *cpu = this_cpu();
    frame->rax = frame->rbx = frame->rcx = frame->rdx = frame->rsi = frame->rdi = 0;
    frame->r8 = frame->r9 = frame->r10 = frame->r11 = frame->r12 = frame->r13 = frame->r14 = frame->r15 = 0;
    frame->rip = where;
    frame->rsp = cpu->guard_stack;
    frame->rbp = cpu->guard_frame;
    frame->rflags = FLAGS_PLAIN;
}

void arch_abandon_guarded(struct trap_frame *frame)
{
    leave_call(frame, (uintptr_t)arch_guard_abandoned);
}

void arch_abandon_site(struct trap_frame *frame, uintptr_t site_return, struct thread *next)
{
    const struct cpu *cpu = this_cpu();
    leave_call(frame, site_return);
    frame->rbx = (uintptr_t)cpu;
    frame->r12 = (uintptr_t)cpu->current;
    frame->r13 = (uintptr_t)next;
}

void arch_abandon_trial(struct trap_frame *frame, uintptr_t record)
{
    leave_call(frame, (uintptr_t)arch_trial_abandoned);
    frame->rsp = record;
    frame->rflags = FLAGS_PLAIN | ARCH_FLAGS_INTERRUPTS;
}
