/*
 * fault.h - makes an allocation of one thread fail on purpose, to see that nothing is lost then.
 */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

extern uint32_t fault_countdown; /* 0: none is to fail */

/* As fault_due(), for a countdown that runs. */
bool fault_count(void);

/* Is this the allocation that is to fail? Asked once by each function that gives out memory. Any context. */
static inline bool fault_due(void)
{
    return __builtin_expect(fault_countdown != 0, 0) && fault_count();
}

/* Of the allocations of the running thread, the `number`-th from now on fails; 0: none. One thread at a time. */
void fault_begin(uint32_t number);

/* No allocation is to fail any more. */
void fault_end(void);

#endif
