/*
 * yield.c - the short way of thread_yield(), the most travelled path of all.
 *
 * arch_yield_entry has put the CPU and its running thread into registers that this file, and no other, reserves:
 * since whoever yields has given all registers away (arch_yield()), nothing needs to be saved here. Interrupts are
 * off.
 */
#define SLOT_RESERVED
#include "core/schedule.h"
#include "core/schedule_private.h"
#include <arch/switch.h>

register struct cpu *cpu ARCH_YIELD_CPU;
register struct thread *running ARCH_YIELD_THREAD;
register struct thread *chosen ARCH_YIELD_CHOSEN;

void schedule_yield(void);

/* The rare cases are calls of their own, at the end, so that the short way needs no stack frame. */
static __attribute__((noinline)) void yield_slowly(void)
{
    chosen = schedule_yield_slowly();
}

static __attribute__((noinline)) void yield_without_policy(uintptr_t entity)
{
    chosen = choose_without_policy(cpu, entity);
}

_Static_assert(offsetof(struct cpu, attention) == offsetof(struct cpu, queue_lock) + 4, "compared as one");

/*
 * Puts the thread to go on with into `chosen`; the queue lock is held then. The lock is free and nothing wants
 * attention: both are seen in one comparison. The same steps as in core/schedule_private.h, written on the reserved
 * registers.
 */
void schedule_yield(void)
{
    uint64_t cycles;
    uintptr_t entity;
    if (!__sync_bool_compare_and_swap((uint64_t *)&cpu->queue_lock, 0, cpu->lock_owner)) {
        yield_slowly();
        return;
    }
    slot_record();
    cycles = charge_time(cpu, running);
    if (SCHED_HAS(charge))
        SCHED_CALL3(charge, cpu->queue, running->entity, cycles);
    SCHED_CALL2(yielded, cpu->queue, running->entity);
    entity = SLOT_RESULT2(SLOT_KIND_SCHED, sched_ops, choose, cpu->queue, running->entity);
    chosen = thread_of(entity);
    if (__builtin_expect(!run_queue_has(cpu, chosen), 0))
        yield_without_policy(entity);
    else if (chosen != running)
        SCHED_CALL3(started, cpu->queue, running->entity, entity);
}
