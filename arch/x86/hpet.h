/*
 * hpet.h - the high precision event timer, for measuring rates.
 */
#ifndef ARCH_X86_HPET_H
#define ARCH_X86_HPET_H

#include <stdint.h>

/* Maps it. Returns the rate of its counter in Hz; 0: there is none that can be used. Once, on the bootstrap CPU. */
uint64_t hpet_init(void);

/* Has the counter run, and the low half of it. Where there is one. */
void hpet_start(void);
uint32_t hpet_read(void);

#endif
