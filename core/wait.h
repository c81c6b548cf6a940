/*
 * wait.h - what the short way of semaphore_down() shares with all other waiting: core/relinquish.c, core/wait.c.
 */
#ifndef CORE_WAIT_H
#define CORE_WAIT_H

#include "core/thread.h"
#include <arch/switch.h>

/*
 * After a wait in a list: 0 if the running thread was granted what it waited for, or why it was woken while still in
 * the list, which it then leaves. It may have been woken for both reasons at once: then it stays here until the other
 * wake-up is over, which would else reach a later wait. Context: interrupts off, no lock held.
 */
int wait_leave(void);

/*
 * semaphore_down() with whatever may be the matter; wait_leave() then has its result. Context: interrupts off, no lock
 * held.
 */
void semaphore_down_slowly(struct semaphore *semaphore);

/* semaphore_up() with many CPUs, without a look at whether this one is to choose again. Context: interrupts off. */
void semaphore_give_across_cpus(struct semaphore *semaphore);

/* semaphore_down(), in the caller's place: nothing is saved that is not live. */
static inline int wait_down(struct semaphore *semaphore)
{
    const struct thread *self = arch_down(semaphore);
    int result = __builtin_expect(self->waits_on != NULL, 0) ? wait_leave() : 0;
    arch_interrupts_enable();
    return result;
}

#endif
