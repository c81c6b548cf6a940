/*
 * module_run.h - a module's constructors and destructors, so that one that faults ends itself and nothing else.
 *
 * They are ordinary code of a thread: they may block and start threads. What they may not do is fault with a lock or a
 * mutex held, with interrupts off, or inside of the core that they called: that is the machine's end as ever.
 */
#ifndef CORE_MODULE_RUN_H
#define CORE_MODULE_RUN_H

#include <moult/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trap_frame;

/*
 * Calls functions of a module in turn; a gap in the array is 0. -EPROTO: one of them faulted, and `why` says how and
 * where; those after it were not called. Thread context, one module at a time: the registry's mutex is held.
 */
int module_run(const uintptr_t *functions, size_t count, struct failure *why);

/*
 * An exception, told by `what`. True: it happened in such a function, which is given up: the frame returns to where
 * module_run() goes on. Context: an exception's.
 */
bool module_run_faulted(struct trap_frame *frame, const char *what);

#endif
