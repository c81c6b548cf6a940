/*
 * line.h - interrupt lines for those that use them: drivers and tests that listen, and sources that can be told to
 * raise one.
 *
 * Context, unless a function says otherwise: a thread, interrupts on, no spin lock held.
 */
#ifndef MOULT_LINE_H
#define MOULT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The lines that have a slot. */
#define LINE_KEYBOARD 1
#define LINE_SERIAL_2 3  /* COM2: streams */
#define LINE_SERIAL 4    /* COM1: the console */
#define LINE_TIMER 20    /* raised at a steady rate by line_timer_start() */
#define LINE_SOFTWARE 24 /* no device's: raised by line_raise() */

/*
 * Listens to a line. What its ISR gives is kept until line_receive(), in the order of the line. The listener that came
 * first holds the line back while it has no room; for any other, what does not fit is dropped and counted. The console
 * is the first for the keyboard and for COM1. Returns the listener's number (> 0); -ENOENT: there is no such line;
 * -ENOSPC: too many listen; -ENOMEM.
 */
int line_listen(unsigned line);
void line_leave(int listener);

/*
 * Waits until the listener has something, for at most `nanoseconds` (0: no limit), and takes up to `most` values.
 * Returns how many, at least 1; -ETIMEDOUT; -EINTR when the thread is to end; -EINVAL: no such listener.
 */
int line_receive(int listener, uint32_t *values, unsigned most, uint64_t nanoseconds);

/* Raises LINE_SOFTWARE: an interrupt to the CPU that gets it. Returns the event's number. Any context. */
uint32_t line_raise(void);

/*
 * LINE_TIMER comes at the ends of periods, `hz` a second (1 … 1,000,000), as edges or levels, each time after the time
 * before was acknowledged. What it gives is how many periods are over since the start, by the timer's own counter.
 * -ENOTSUP, -ENOENT: not on this machine; -EBUSY: it does already; -ERANGE. stop() returns how many are over at last.
 */
int line_timer_start(uint32_t hz, bool level);
uint64_t line_timer_stop(void);

/* Writes a byte to COM2. One thread at a time. */
void line_send(uint8_t byte);

/* What the core has counted of a line, from boot on. */
struct line_count {
    uint64_t interrupts; /* that have come */
    uint64_t taken;      /* values, from the device */
    uint64_t given;      /* values, by its ISR */
    uint64_t dropped;    /* copies of values that a listener had no room for */
};
/* False: there is no such line. Any context. */
bool line_count(unsigned line, struct line_count *count);

#endif
