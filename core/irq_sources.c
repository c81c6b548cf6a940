/*
 * irq_sources.c - the devices behind the lines, as the core reads them, and those that can be told to raise one.
 *
 * Entry points: the devices; line_raise(), line_timer_*(), line_send(). Concurrency: a device is read under its line's
 * lock; the timer is started and stopped under a mutex.
 */
#include "core/irq_sources.h"
#include <arch/machine.h>
#include <arch/trap.h>
#include <moult/errors.h>
#include <moult/module.h>
#include <moult/thread.h>

#define COM1 0
#define COM2 1

static int64_t read_keyboard(struct irq_line *line)
{
    (void)line;
    return arch_keyboard_take();
}

const struct irq_device irq_keyboard = {
    .name = "keyboard",
    .source = IRQ_SOURCE_KEYS,
    .missing = "there is no keyboard controller that answers; type on the serial port",
    .start = arch_keyboard_init,
    .read = read_keyboard,
};

static bool listen_to(unsigned port)
{
    if (!arch_serial_present(port))
        return false;
    arch_serial_listen(port);
    return true;
}

static bool start_serial_1(void)
{
    return listen_to(COM1);
}

static int64_t read_serial_1(struct irq_line *line)
{
    (void)line;
    return arch_serial_take(COM1);
}

const struct irq_device irq_serial_1 = {
    .name = "serial",
    .source = IRQ_SOURCE_BYTES,
    .missing = "there is no first serial port; type on the keyboard",
    .start = start_serial_1,
    .read = read_serial_1,
};

static bool start_serial_2(void)
{
    return listen_to(COM2);
}

static int64_t read_serial_2(struct irq_line *line)
{
    (void)line;
    return arch_serial_take(COM2);
}

const struct irq_device irq_serial_2 = {
    .name = "serial2",
    .source = IRQ_SOURCE_BYTES,
    .start = start_serial_2,
    .read = read_serial_2,
};

void line_send(uint8_t byte)
{
    arch_serial_send(COM2, (char)byte);
}
EXPORT_SYMBOL(line_send);

static bool start_later(void)
{
    return false;
}

/* What it gives is how many periods are over; if that was late, one number stands for several. */
static int64_t read_timer(struct irq_line *line)
{
    uint64_t over = arch_line_timer_acknowledge();
    (void)line;
    return over ? (int64_t)(uint32_t)over : -1;
}

const struct irq_device irq_timer = {
    .name = "timer",
    .source = IRQ_SOURCE_TICKS,
    .start = start_later,
    .read = read_timer,
};

static struct mutex timer_mutex = MUTEX_INITIALISER(timer_mutex);
static bool timer_runs; /* under the mutex */

int line_timer_start(uint32_t hz, bool level)
{
    struct irq_line *line = irq_line_find(LINE_TIMER);
    int result;
    mutex_lock(&timer_mutex);
    result = timer_runs ? -EBUSY : irq_open(line, level ? ARCH_TRIGGER_LEVEL : ARCH_TRIGGER_EDGE);
    if (result == 0)
        result = arch_line_timer_start(LINE_TIMER, hz, level);
    timer_runs |= result == 0;
    mutex_unlock(&timer_mutex);
    return result;
}
EXPORT_SYMBOL(line_timer_start);

uint64_t line_timer_stop(void)
{
    uint64_t periods;
    mutex_lock(&timer_mutex);
    periods = timer_runs ? arch_line_timer_stop() : 0;
    timer_runs = false;
    mutex_unlock(&timer_mutex);
    return periods;
}
EXPORT_SYMBOL(line_timer_stop);

static bool start_at_once(void)
{
    return true;
}

/* Each edge is an event: they are numbered as they were sent. */
static int64_t read_software(struct irq_line *line)
{
    uint64_t read = line->count.taken + line->journal_count;
    return read < line->count.interrupts ? (int64_t)(uint32_t)(read + 1) : -1;
}

const struct irq_device irq_software = {
    .name = "software",
    .source = IRQ_SOURCE_TICKS,
    .start = start_at_once,
    .read = read_software,
};

static uint32_t raised; /* events of the software line */

uint32_t line_raise(void)
{
    const struct irq_line *line = irq_line_find(LINE_SOFTWARE);
    uint32_t number = __atomic_add_fetch(&raised, 1, __ATOMIC_SEQ_CST);
    arch_send_interrupt(*(const volatile unsigned *)&line->cpu, VECTOR_LINES + LINE_SOFTWARE);
    return number;
}
EXPORT_SYMBOL(line_raise);
