/*
 * hpet.c - the high precision event timer: its counter, and one comparator that raises an interrupt line at a steady
 * rate.
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
#define PERIODIC (1u << 3)
#define CAN_BE_PERIODIC (1u << 4)
#define SET_VALUE (1u << 6)
#define BITS_32 (1u << 8)
#define PIN_SHIFT 9

#define RATE_MAX 1000000u
#define QUARTERS 4

static volatile uint32_t *registers;

/* The comparator in use. */
static struct {
    bool on, level;
    unsigned number;
    uint32_t period; /* of the counter */
    uint64_t first;  /* the counter at the first interrupt */
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

/* A comparator that can be periodic and reach the pin. */
static bool find_comparator(unsigned pin, unsigned *number)
{
    unsigned last = registers[CAPABILITIES / 4] >> COUNT_SHIFT & COUNT_MASK;
    for (*number = 0; *number <= last; ++*number) {
        unsigned at = COMPARATOR(*number);
        if (registers[at / 4] & CAN_BE_PERIODIC && registers[(at + COMPARATOR_PINS) / 4] >> pin & 1)
            return true;
    }
    return false;
}

int arch_line_timer_start(unsigned pin, uint32_t hz, bool level)
{
    volatile uint32_t *comparator;
    if (hz == 0 || hz > RATE_MAX)
        return -ERANGE;
    if (!registers || !find_comparator(pin, &timer.number))
        return -ENOTSUP;
    comparator = registers + COMPARATOR(timer.number) / 4;
    timer.on = true;
    timer.level = level;
    timer.period = (uint32_t)(FEMTOSECONDS_A_SECOND / registers[PERIOD / 4] / hz);
    registers[STATUS / 4] = 1u << timer.number;
    comparator[0] = pin << PIN_SHIFT | BITS_32 | SET_VALUE | PERIODIC | ENABLED | (level ? LEVEL : 0);
    timer.first = read_whole() + timer.period;
    comparator[COMPARATOR_VALUE / 4] = (uint32_t)timer.first;
    comparator[COMPARATOR_VALUE / 4] = timer.period; /* the second value written is the period: 2.3.9.2.2 */
    return 0;
}

/* In the middle of a period it is known how many are over, and the last interrupt was served. */
static bool in_the_middle(uint64_t *periods)
{
    uint64_t now = read_whole(), phase;
    if (now < timer.first)
        return false;
    phase = (now - timer.first) % timer.period;
    *periods = (now - timer.first) / timer.period + 1;
    return phase > timer.period / QUARTERS && phase < timer.period / QUARTERS * (QUARTERS - 1);
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

bool arch_line_timer_pending(void)
{
    uint32_t mine = 1u << timer.number;
    if (!timer.on || !(registers[STATUS / 4] & mine))
        return false;
    registers[STATUS / 4] = mine;
    return true;
}
