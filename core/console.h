/*
 * console.h - the consoles, serial and screen, both at once: output that is never mixed, and bytes typed.
 *
 * They have one owner at a time: a thread that holds them, or whoever is showing lines of the log. Log lines that come
 * while they are held stay in the ring and are shown at release.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include <moult/console.h>
#include <stdbool.h>
#include <stddef.h>

/* Begins to show the log, from its first line on. Once, after arch_serial_init() and arch_screen_init(). */
void console_init(void);

/* Holds the consoles for a prompt or a reply of many writes. Calls nest. May block; thread context. */
void console_hold(void);
void console_release(void);

/*
 * Writes to the consoles, as the policy of the slot `console` has it. Only by the thread that holds them, and not from
 * its interrupt handlers.
 */
void console_write(enum console_kind kind, const char *text, size_t length);

/*
 * What stands on the last row while nobody holds the consoles, as it is drawn from column 0 on: the prompt and the line
 * being edited. Log lines erase it, are printed in its place, and draw it again below. Length 0: nothing. Copied; at
 * most CONSOLE_FOOTER_BYTES. Only by the thread that holds the consoles.
 */
#define CONSOLE_FOOTER_BYTES 256
void console_set_footer(const char *text, size_t length);

/* Is there something that console_show_log() would show? Any context. */
bool console_lags(void);

/*
 * Shows some of what the log has and the consoles have not, unless they are held: then their release will. Any context;
 * never waits.
 */
void console_show_log(void);

/* The same at a tick, as long as that leaves the CPU time for its threads. From the timer's interrupt. */
void console_tick(void);

/* Writes without any lock: for panics, all other CPUs being stopped. */
void console_write_panic(const char *text, size_t length);

/* Gets what is typed: the listener of the keyboard's line and the first serial port's (core/irq.h). */
extern struct irq_listener console_listener;

/* Waits for the next byte typed; -EINTR if the thread is to end. Thread context. */
int console_read(void);

#endif
