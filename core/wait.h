/*
 * wait.h - what the short way of semaphore_down() shares with all other waiting: core/relinquish.c, core/wait.c.
 */
#ifndef CORE_WAIT_H
#define CORE_WAIT_H

#include "core/thread.h"

/*
 * After a wait in a list: 0 if the running thread was granted what it waited for, or why it was woken while still in
 * the list, which it then leaves. It may have been woken for both reasons at once: then it stays here until the other
 * wake-up is over, which would else reach a later wait. Context: interrupts off, no lock held.
 */
int wait_leave(void);

/* semaphore_down() with whatever may be the matter. Context: interrupts off, no lock held. */
int semaphore_down_slowly(struct semaphore *semaphore);

/* semaphore_up() without a look at whether the CPU is to choose again. Context: interrupts off. */
void semaphore_give(struct semaphore *semaphore);

#endif
