/*
 * calibrate.c - measures the rates of the time-stamp counter and of the local APIC's counter against a source whose
 * rate is known.
 *
 * Both ends of the interval are read several times, and the reading that took the least time counts: so an emulator's
 * or hypervisor's pause does no harm. The uncertainty that is left is known; a rate that is a whole number of MHz
 * within it is taken to be that.
 *
 * Entry points: calibrate(), arch_clock_source(). Concurrency: once, bootstrap CPU.
 */
#include "arch/x86/calibrate.h"
#include "arch/x86/hpet.h"
#include "arch/x86/local_apic.h"
#include "arch/x86/ports.h"
#include "core/panic.h"
#include <arch/cpu.h>
#include <arch/timer.h>

/* The PIT's channel 2, whose gate and output are at a port. */
#define PIT_CHANNEL_2 0x42
#define PIT_CONTROL 0x43
#define PIT_ONCE 0xb0  /* channel 2, both bytes of the count, mode 0 */
#define PIT_LATCH 0x80 /* channel 2 */
#define PIT_GATE_PORT 0x61
#define GATE_ON 0x01
#define GATE_SPEAKER 0x02
#define GATE_OUTPUT 0x20
#define PIT_HZ 1193182u
#define PIT_COUNT 0xffffu

#define INTERVAL_MILLISECONDS 10u
#define READINGS 8u
#define ATTEMPTS 5u
#define STEPS 100000u /* computed between two looks at the source */
#define LOOKS_MAX 100000u
#define MHZ 1000000u
#define KHZ 1000u

/* A counter that goes up. */
struct source {
    const char *name;
    uint64_t hz;
    void (*start)(void);
    uint32_t (*read)(void);
    bool (*valid)(void); /* it has not run out since start() */
};

/* The counters at one moment; `gap` is how much the clock moved while they were read. */
struct reading {
    uint64_t clock, gap;
    uint32_t source, timer;
};

static struct source source;

static bool hpet_valid(void)
{
    return true;
}

static void pit_start(void)
{
    port_write8(PIT_GATE_PORT, (port_read8(PIT_GATE_PORT) & ~GATE_SPEAKER) | GATE_ON);
    port_write8(PIT_CONTROL, PIT_ONCE);
    port_write8(PIT_CHANNEL_2, PIT_COUNT & 0xff);
    port_write8(PIT_CHANNEL_2, PIT_COUNT >> 8);
}

static uint32_t pit_read(void)
{
    port_write8(PIT_CONTROL, PIT_LATCH);
    uint32_t low = port_read8(PIT_CHANNEL_2);
    return PIT_COUNT - (low | (uint32_t)port_read8(PIT_CHANNEL_2) << 8);
}

static bool pit_valid(void)
{
    return !(port_read8(PIT_GATE_PORT) & GATE_OUTPUT);
}

static void choose_source(void)
{
    uint64_t hz = hpet_init();

    if (hz)
        source = (struct source){"hpet", hz, hpet_start, hpet_read, hpet_valid};
    else
        source = (struct source){"pit", PIT_HZ, pit_start, pit_read, pit_valid};
}

static struct reading take_reading(void)
{
    struct reading best = {.gap = UINT64_MAX};

    for (unsigned i = 0; i < READINGS; i++) {
        struct reading reading;
        uint64_t before = arch_clock();
        reading.source = source.read();
        reading.timer = local_apic_read(APIC_TIMER_CURRENT);
        reading.gap = arch_clock() - before;
        reading.clock = before + reading.gap / 2;
        if (reading.gap < best.gap)
            best = reading;
    }
    return best;
}

/* Computing in between costs an emulator less than reading a device all the time. */
static bool wait_interval(uint32_t begin)
{
    uint32_t ticks = source.hz * INTERVAL_MILLISECONDS / 1000;

    for (unsigned looks = 0; looks < LOOKS_MAX; looks++) {
        for (unsigned i = 0; i < STEPS; i++)
            __asm__ volatile("");
        if (source.read() - begin >= ticks)
            return true;
    }
    return false;
}

static uint64_t round_rate(uint64_t hz, uint64_t uncertainty)
{
    uint64_t whole = (hz + MHZ / 2) / MHZ * MHZ;
    uint64_t distance = whole > hz ? whole - hz : hz - whole;

    return whole && distance <= uncertainty ? whole : (hz + KHZ / 2) / KHZ * KHZ;
}

static bool measure(struct rates *rates)
{
    source.start();
    struct reading begin = take_reading();
    if (!wait_interval(begin.source))
        panic("the %s does not count, so the clock's rate cannot be measured; this machine or emulator cannot run the "
              "kernel",
              source.name);
    struct reading end = take_reading();
    if (!source.valid())
        return false;

    uint64_t ticks = end.source - begin.source; /* modulo 2^32, as the counter itself */
    uint64_t clock = end.clock - begin.clock;
    uint64_t clock_hz = clock * source.hz / ticks;
    /* Relative: both readings' gaps, and one tick of the source at either end. */
    uint64_t uncertainty = (begin.gap + end.gap) * source.hz / ticks + 2 * clock_hz / ticks;
    uint64_t timer_hz = (uint64_t)(begin.timer - end.timer) * source.hz / ticks;
    rates->clock_hz = round_rate(clock_hz, uncertainty);
    rates->timer_hz = round_rate(timer_hz, uncertainty * timer_hz / clock_hz);
    return true;
}

void calibrate(struct rates *rates, bool with_timer)
{
    unsigned attempts = 0;

    choose_source();
    if (with_timer) {
        local_apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
        local_apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    }
    while (!measure(rates)) {
        if (++attempts == ATTEMPTS)
            panic("the %s ran out %u times before it was read; give the emulator more of its host", source.name,
                  ATTEMPTS);
    }
    local_apic_write(APIC_TIMER_INITIAL, 0);
    if (!with_timer)
        rates->timer_hz = 0;
    else if (!rates->timer_hz || rates->timer_hz > UINT32_MAX)
        panic("the local APIC's timer counts at %lu Hz by the %s, which cannot be", rates->timer_hz, source.name);
}

const char *arch_clock_source(void)
{
    return source.name;
}
