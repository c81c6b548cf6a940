/*
 * backtrace.h - the calls that lead to where a thread is.
 */
#ifndef CORE_BACKTRACE_H
#define CORE_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Follows the chain of frame pointers from `frame` upwards, as far as memory is mapped, and puts up to `capacity`
 * return addresses into `found`. Where the chain leads through an interrupt, the address that was interrupted stands
 * in place of the entry's. The number found. Any context; the stack's thread does not run, or is the caller.
 */
size_t backtrace(uintptr_t frame, uintptr_t *found, size_t capacity);

/* Can the word at `address`, which may be anything, be read? Any context. */
bool backtrace_readable(uintptr_t address);

#endif
