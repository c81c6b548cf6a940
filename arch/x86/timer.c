/*
 * timer.c - the one-shot timer of each CPU: TSC-deadline mode where the CPUs have it, else the local APIC's counter.
 *
 * The counter has 32 bits and a rate of its own. A deadline beyond its reach, or a rate that is not exactly in
 * proportion, makes the interrupt come early, never late by more than a tick: the core looks at the clock and sets
 * the timer again.
 *
 * Entry points: arch_timer_init(), arch_timer_set(). Concurrency: each CPU has its own timer; the rates are constant
 * after boot.
 */
#include "arch/x86/timer.h"
#include "arch/x86/calibrate.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/local_apic.h"
#include "arch/x86/ports.h"
#include <arch/cpu.h>
#include <arch/timer.h>
#include <arch/trap.h>

#define MSR_TSC_DEADLINE 0x6e0u
#define LVT_TSC_DEADLINE (2u << 17)
#define COUNT_MAX UINT32_MAX
#define MICROSECONDS_A_SECOND 1000000u
#define DELAY_STEPS 1000u /* between two looks at the clock */

static struct {
    uint64_t clock_hz;
    uint64_t ratio;     /* counter ticks for one of the clock, as a fraction of 2^32 */
    uint64_t delta_max; /* of the clock, that the counter reaches */
} timer;

uint64_t arch_clock_calibrate(void)
{
    struct rates rates;

    if (!timer.clock_hz) {
        calibrate(&rates, !cpu_has(CPU_TSC_DEADLINE));
        timer.clock_hz = rates.clock_hz;
        timer.ratio = (rates.timer_hz << 32) / rates.clock_hz;
        if (timer.ratio)
            timer.delta_max = ((uint64_t)COUNT_MAX << 32) / (timer.ratio + 1) - 1;
    }
    return timer.clock_hz;
}

const char *arch_timer_mode(void)
{
    return cpu_has(CPU_TSC_DEADLINE) ? "tsc-deadline" : "one-shot";
}

void arch_timer_init(void)
{
    if (!cpu_has(CPU_TSC_DEADLINE)) {
        local_apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
        local_apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
        return;
    }
    local_apic_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
    __asm__ volatile("mfence" ::: "memory"); /* the deadline must not overtake the mode: SDM volume 3, 10.5.4.1 */
}

void arch_timer_set(uint64_t deadline)
{
    if (cpu_has(CPU_TSC_DEADLINE)) {
        msr_write(MSR_TSC_DEADLINE, deadline == UINT64_MAX ? 0 : deadline + !deadline); /* 0 disarms */
        return;
    }
    if (deadline == UINT64_MAX) {
        local_apic_write(APIC_TIMER_INITIAL, 0);
        return;
    }
    uint64_t now = arch_clock();
    uint64_t delta = deadline > now ? deadline - now : 0;
    uint64_t count = COUNT_MAX;
    if (delta <= timer.delta_max)
        count = (uint64_t)((unsigned __int128)delta * timer.ratio >> 32) + 1;
    local_apic_write(APIC_TIMER_INITIAL, count);
}

uint64_t timer_microseconds(uint64_t microseconds)
{
    return microseconds * (timer.clock_hz / MICROSECONDS_A_SECOND + 1);
}

/* No PAUSE: under an instruction clock each costs the emulator a turn of all CPUs, and nothing is awaited from them. */
void timer_delay(uint64_t microseconds)
{
    uint64_t end = arch_clock() + timer_microseconds(microseconds);

    while (arch_clock() < end) {
        for (unsigned i = 0; i < DELAY_STEPS; i++)
            __asm__ volatile("");
    }
}
