/*
 * hpet.c - the high precision event timer: its counter, and one comparator that raises an interrupt line at a steady
 * rate, each time after the time before was acknowledged.
 *
 * IA-PC HPET specification 1.0a. Registers are read and written 32 bits at a time, and the comparator is in 32-bit
 * mode: not every emulator has more.
 *
 * Entry points: hpet_init() and what stands beside it; arch_line_timer_*(). Concurrency: the former at boot; the latter
 * are serialised by the caller.
 */
#include "arch/x86/hpet.h"
#include "arch/x86/firmware.h"
#include "core/panic.h"
#include "core/vm.h"
#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <moult/errors.h>
#include <stddef.h>

/* Registers: 2.3. */
#define CAPABILITIES 0x00
#define PERIOD 0x04
#define CONFIGURATION 0x10
#define STATUS 0x20
#define COUNTER 0xf0
#define BYTES 0x400
#define COMPARATOR(number) (0x100 + 0x20 * (number))
#define COMPARATOR_PINS 0x04 /* relative to the comparator's first register */
#define COMPARATOR_VALUE 0x08

#define ON 1u
#define COUNT_SHIFT 8 /* of the capabilities: the last comparator's number */
#define COUNT_MASK 0x1fu
#define PERIOD_MAX 100000000u /* femtoseconds */
#define FEMTOSECONDS_A_SECOND 1000000000000000ul

/* Of a comparator: 2.3.8. */
#define LEVEL (1u << 1)
#define ENABLED (1u << 2)
#define BITS_32 (1u << 8)
#define PIN_SHIFT 9

#define RATE_MAX 1000000u
#define QUARTERS 4

static volatile uint32_t *registers;

/* The comparator in use: for one interrupt at a time. */
static struct {
    bool on;
    unsigned number;
    uint32_t period; /* of the counter */
    uint64_t began;  /* the counter at the start */
    uint64_t due;    /* the counter at the next interrupt */
} timer;

uint64_t hpet_init(void)
{
    uint64_t address = firmware_facts()->hpet;
    uint32_t period;

    if (!address)
        return 0;
    registers = vm_map_device(address, BYTES);
    if (!registers)
        panic("no memory to map the HPET; give the machine more");
    period = registers[PERIOD / 4];
    if (!period || period > PERIOD_MAX) {
        registers = NULL;
        return 0;
    }
    return FEMTOSECONDS_A_SECOND / period;
}

void hpet_start(void)
{
    registers[CONFIGURATION / 4] |= ON;
}

uint32_t hpet_read(void)
{
    return registers[COUNTER / 4];
}

static uint64_t read_whole(void)
{
    uint32_t high, low;
    do {
        high = registers[COUNTER / 4 + 1];
        low = registers[COUNTER / 4];
    } while (high != registers[COUNTER / 4 + 1]);
    return (uint64_t)high << 32 | low;
}

/* A comparator that can reach the pin. */
static bool find_comparator(unsigned pin, unsigned *number)
{
    unsigned last = registers[CAPABILITIES / 4] >> COUNT_SHIFT & COUNT_MASK;
    for (*number = 0; *number <= last; ++*number)
        if (registers[(COMPARATOR(*number) + COMPARATOR_PINS) / 4] >> pin & 1)
            return true;
    return false;
}

/* Sets the comparator to the first end of a period that is still to come. One that is very near would be missed. */
static void set_comparator(void)
{
    uint64_t now;
    do {
        now = read_whole();
        if (timer.due <= now)
            timer.due += ((now - timer.due) / timer.period + 1) * timer.period;
        registers[(COMPARATOR(timer.number) + COMPARATOR_VALUE) / 4] = (uint32_t)timer.due;
    } while (read_whole() >= timer.due);
}

int arch_line_timer_start(unsigned pin, uint32_t hz, bool level)
{
    volatile uint32_t *comparator;
    if (hz == 0 || hz > RATE_MAX)
        return -ERANGE;
    if (!registers || !find_comparator(pin, &timer.number))
        return -ENOTSUP;
    comparator = registers + COMPARATOR(timer.number) / 4;
    comparator[0] = pin << PIN_SHIFT | BITS_32 | (level ? LEVEL : 0);
    registers[STATUS / 4] = 1u << timer.number;
    timer.period = (uint32_t)(FEMTOSECONDS_A_SECOND / registers[PERIOD / 4] / hz);
    timer.began = timer.due = read_whole();
    timer.on = true;
    set_comparator();
    comparator[0] |= ENABLED;
    return 0;
}

/* In the middle of a period, its interrupts so far acknowledged, it is known how many are over. */
static bool in_the_middle(uint64_t *periods)
{
    uint64_t now = read_whole(), passed = now - timer.began, phase = passed % timer.period;
    *periods = passed / timer.period;
    return now < timer.due && phase > timer.period / QUARTERS && phase < timer.period / QUARTERS * (QUARTERS - 1);
}

uint64_t arch_line_timer_stop(void)
{
    uint64_t periods;
    for (;;) {
        unsigned long flags = arch_interrupts_save();
        bool now = in_the_middle(&periods);
        if (now) {
            registers[COMPARATOR(timer.number) / 4] &= ~ENABLED;
            timer.on = false;
        }
        arch_interrupts_restore(flags);
        if (now)
            return periods;
        arch_relax();
    }
}

/*
 * The level ends first: one that is raised while the comparator is set anew, for the time before, is found when nothing
 * is due, and ended then.
 */
uint64_t arch_line_timer_acknowledge(void)
{
    uint64_t over;
    if (!timer.on)
        return 0;
    registers[STATUS / 4] = 1u << timer.number;
    if (read_whole() < timer.due)
        return 0;
    over = (read_whole() - timer.began) / timer.period;
    set_comparator();
    return over;
}
