/*
 * lock.h - spin locks, and the order in which they are taken.
 *
 * All are taken with interrupts off. Order, outermost first:
 *   module registry (a mutex) > rendezvous (waited for with interrupts on) >
 *   thread table > wait queue and semaphore > timers >
 *   run queue (a second one is only tried) > vm > heap > page tables > frames > log
 * Whoever writes to the console has claimed it by a flag, not a lock: core/console.c.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <arch/cpu.h>
#include <moult/thread.h>
#include <stdbool.h>
#include <stdint.h>

/* Waits for a lock that was found taken. Panics if this CPU holds it already. Keeps all registers. */
__attribute__((no_caller_saved_registers)) void spin_lock_slow(struct spinlock *lock, uint32_t owner);

/* What this CPU marks its locks with. Context: interrupts off. */
static inline uint32_t spin_mark(void)
{
    uint32_t mark;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(mark) : "i"(16));
    return mark;
}

/*
 * Context: interrupts off. The word holds one more than the index of the CPU that has the lock, so that `check` and a
 * debugger see the owner. The rare call stands out of the way, hidden from the compiler, which then need not save
 * registers for it: RDI is put by in RAX, which is free there.
 */
static inline void spin_lock(struct spinlock *lock)
{
    uint32_t expected = 0;
    __asm__ volatile("lock cmpxchg %2, %1\n\t"
                     "jne 2f\n"
                     "1:\n\t"
                     ".subsection 1\n"
                     "2:\tmov %%rdi, %%rax\n\t"
                     "lea %1, %%rdi\n\t"
                     "call spin_lock_slow\n\t"
                     "mov %%rax, %%rdi\n\t"
                     "jmp 1b\n\t"
                     ".previous"
                     : "+a"(expected), "+m"(lock->owner)
                     : "S"(spin_mark())
                     : "memory", "cc");
}

static inline void spin_unlock(struct spinlock *lock)
{
    __asm__ volatile("movl $0, %0" : "=m"(lock->owner)::"memory");
}

/* Takes the lock if it is free. Context: interrupts off. */
static inline bool spin_try(struct spinlock *lock)
{
    return __sync_bool_compare_and_swap(&lock->owner, 0, spin_mark());
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
