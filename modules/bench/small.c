/*
 * small.c - the small module that `bench insmod` links: one function, one datum, a few relocations.
 */
#include <moult/module.h>
#include <moult/thread.h>

static const char *const greeting = "a small module";

/* What links to other symbols, so that there is something to relocate. */
void bench_small_greet(void);
void bench_small_greet(void)
{
    log_line("%s, thread %u", greeting, thread_number());
}
EXPORT_SYMBOL(bench_small_greet);

MODULE("bench-small", "1.0", "a small module for the benchmark of insmod");
