/*
 * lock.c - what a CPU does while a spin lock is taken.
 *
 * Entry point: spin_lock_slow(), from the inline spin_lock(). Context: interrupts off.
 */
#include "core/lock.h"
#include "core/panic.h"

__attribute__((target("general-regs-only"))) void spin_lock_slow(struct spinlock *lock, uint32_t owner)
{
    uint32_t holder;

    do {
        while ((holder = lock->owner) != 0) {
            if (holder == owner)
                panic("CPU %u waits for the spin lock at %p, which it holds itself; see the order of locks in "
                      "core/lock.h",
                      owner - 1, (void *)lock);
            arch_relax();
        }
    } while (!__atomic_compare_exchange_n(&lock->owner, &holder, owner, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
}
