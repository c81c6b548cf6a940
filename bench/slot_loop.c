/*
 * slot_loop.c - calls through a slot as core/relinquish.c makes them: the stack is recorded once in a function, and no
 * register is kept over a call but the CPU's.
 */
#define SLOT_RESERVED
#include "bench/slot_loop.h"
#include "core/run_queue.h"
#include <arch/switch.h>

register struct cpu *cpu ARCH_SWITCH_CPU;
register struct thread *running ARCH_SWITCH_FROM;
register struct thread *next ARCH_SWITCH_TO;
register uintptr_t given_away_1 ARCH_SWITCH_SPARE_1;
register uintptr_t given_away_2 ARCH_SWITCH_SPARE_2;

volatile uint32_t slot_loop_calls;

void slot_loop(void)
{
    cpu = this_cpu();
    slot_record();
again:
    SCHED_CALL2(choose, cpu->queue, NULL);
    arch_settle_here(cpu, running, next);
    __asm__ goto("decl %0; jne %l[again]" : "+m"(slot_loop_calls) : : "cc" : again);
}
