/*
 * log.h - the kernel's log: a ring in memory that survives, and a line at a time to the consoles.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Adds one line (without newline) to the ring, stamped with the time since boot, and shows it on the consoles when
 * nobody holds them (core/console.h). Any context, interrupt handlers included; never blocks. Exported to modules.
 */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/*
 * The same for the ring alone: for what the consoles say in another way, such as in the answer of a command. Any
 * context.
 */
__attribute__((format(printf, 1, 2))) void log_quietly(const char *format, ...);

/*
 * Copies the line at `*cursor`, or the oldest one after it that is still there, time stamp included, into `text` (at
 * least 1 byte; what does not fit is cut), and moves the cursor past it. *quiet: it is not for the consoles. Returns
 * its length, which is not 0 for a line; 0 when there is none. Start with a cursor of 0. Any context.
 */
size_t log_read(uint64_t *cursor, char *text, size_t capacity, bool *quiet);

/* Has a line been added since the cursor was there? Any context. */
bool log_has(uint64_t cursor);

/* How many bytes after the cursor have been overwritten. Any context. */
uint64_t log_skipped(uint64_t cursor);

/* How many lines have been overwritten since boot. */
uint64_t log_lost(void);

#endif
