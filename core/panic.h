/*
 * panic.h - the end: for what only a mistake of the core itself, or broken hardware, can cause.
 */
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

#include <stdbool.h>

struct trap_frame;

/*
 * Stops all CPUs, prints the registers if there are any, a backtrace and the running thread, and last `panic:
 * SENTENCE`; then, if the command line says `panic=exit`, ends the emulator, else halts. Any context.
 */
_Noreturn __attribute__((format(printf, 1, 2))) void panic(const char *format, ...);
_Noreturn __attribute__((format(printf, 2, 3))) void panic_at(const struct trap_frame *frame, const char *format, ...);

/* Is some CPU printing a panic, or has printed one; and is it this one? Any context. */
bool panic_under_way(void);
bool panic_is_here(void);

/* Stops this CPU for good: what a CPU does that another one's panic interrupts. */
_Noreturn void panic_stop_here(void);

/* An invariant of the core: checked always, since it is cheap and the alternative is to go on with broken facts. */
#define ASSERT(condition)                                                 \
    do {                                                                  \
        if (__builtin_expect(!(condition), 0))                            \
            panic("%s:%d: not true: %s", __FILE__, __LINE__, #condition); \
    } while (0)

#endif
