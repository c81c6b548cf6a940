/*
 * fault.c - the countdown to the allocation that is to fail.
 *
 * Concurrency: the thread that began it counts, in its own calls; others see that it is not theirs.
 */
#include "core/fault.h"
#include "core/thread.h"
#include <arch/cpu.h>
#include <stddef.h>

uint32_t fault_countdown;
static const struct thread *thread; /* whose allocations count */

bool fault_count(void)
{
    return current_thread() == thread && --fault_countdown == 0;
}

void fault_begin(uint32_t number)
{
    thread = current_thread();
    fault_countdown = number;
}

void fault_end(void)
{
    fault_countdown = 0;
    thread = NULL;
}
