/*
 * lock.h - spin locks, and the order in which they are taken.
 *
 * All are taken with interrupts off. Order, outermost first:
 *   module registry (a mutex) > thread table > wait queue and semaphore > run queue (lower CPU index first) > timers >
 *   vm > heap > page tables > frames > log > console
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <arch/cpu.h>
#include <moult/thread.h>
#include <stdint.h>

/* Waits for a lock that was found taken. Panics if this CPU holds it already. */
void spin_lock_slow(struct spinlock *lock, uint32_t owner);

/*
 * Context: interrupts off. The word holds one more than the index of the CPU that has the lock, so that `check` and a debugger see
 * the owner.
 */
static inline void spin_lock(struct spinlock *lock)
{
    uint32_t self, previous = 0;
    bool taken;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(self) : "i"(16));
    __asm__ volatile("lock cmpxchg %3, %1" : "=@ccz"(taken), "+m"(lock->owner), "+a"(previous) : "r"(self) : "memory");
    if (__builtin_expect(!taken, 0))
        spin_lock_slow(lock, self);
}

static inline void spin_unlock(struct spinlock *lock)
{
    __asm__ volatile("movl $0, %0" : "=m"(lock->owner)::"memory");
}

static inline unsigned long spin_lock_save(struct spinlock *lock)
{
    unsigned long flags = arch_interrupts_save();
    spin_lock(lock);
    return flags;
}

static inline void spin_unlock_restore(struct spinlock *lock, unsigned long flags)
{
    spin_unlock(lock);
    arch_interrupts_restore(flags);
}

#endif
