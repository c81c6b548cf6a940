/*
 * guard.h - calls of policies' functions that can be abandoned: what was running is given up, and execution goes on
 * after the call, on the stack recorded at the call.
 *
 * Two kinds of place record it: the call sites of slots (core/slot_call.h), and arch_guarded_call(). The record is the
 * CPU's, since policies run with interrupts off.
 */
#ifndef ARCH_GUARD_H
#define ARCH_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/* Offsets in struct cpu of the stack and frame pointer recorded last; core/cpu.h asserts them. */
#define ARCH_CPU_GUARD_STACK 72
#define ARCH_CPU_GUARD_FRAME 80

/* A constant as text, for assembly. */
#define ARCH_TEXT(constant) ARCH_TEXT_(constant)
#define ARCH_TEXT_(constant) #constant

/* Assembly, within an extended asm statement, that records the stack for the call instruction right after it. */
#define ARCH_GUARD_RECORD \
    "mov %%rsp, %%gs:" ARCH_TEXT(ARCH_CPU_GUARD_STACK) "; mov %%rbp, %%gs:" ARCH_TEXT(ARCH_CPU_GUARD_FRAME) "\n"

struct thread;
struct trap_frame;

/*
 * Calls function(argument) so that it can be abandoned. True: it returned; false: it was abandoned, and what it had in
 * hand is as it left it. Context: interrupts off, and they stay so.
 */
bool arch_guarded_call(void (*function)(void *argument), void *argument);

/*
 * The same for a function that may block: *record is what arch_abandon_trial() needs, 0 when the call is over. Context:
 * a thread, interrupts on.
 */
bool arch_trial_call(void (*function)(void *argument), void *argument, uintptr_t *record);

/* The return address of a guarded call, as it stands below the recorded stack pointer. */
extern const uint8_t arch_guard_return[];

/*
 * Makes the interrupted execution go on where a guarded call was abandoned; or after the call of a slot that returns
 * to `site_return`, with 0 as its result. Interrupts are off there. The registers that core/relinquish.c reserves are
 * set, `next` being the thread to go on with; elsewhere they mean nothing.
 */
void arch_abandon_guarded(struct trap_frame *frame);
void arch_abandon_trial(struct trap_frame *frame, uintptr_t record); /* interrupts are on there */
void arch_abandon_site(struct trap_frame *frame, uintptr_t site_return, struct thread *next);

#endif
