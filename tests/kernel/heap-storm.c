/*
 * heap-storm.c - threads on all CPUs that take and give back blocks while something else happens, such as swaps of the
 * heap: what was taken under one is given back under another.
 *
 * `insmod test-heap-storm` starts them and answers at once. `insmod test-heap-storm-end` (heap-storm-end.c, which links
 * to this module) has them stop; every block must have kept what was in it.
 */
#include "blocks.h"

void heap_storm_finish(void);

static volatile bool over;
static uint32_t threads[WORKERS];
static struct held held[WORKERS][HELD];
static uint64_t turns[WORKERS];

static void work(void *argument)
{
    uint64_t number = number_of(argument);
    uint32_t seed = (uint32_t)number + 1;

    for (; !over; turns[number]++)
        turn(held[number], &seed, turns[number]);
}

static __attribute__((constructor)) void begin(void)
{
    cases.module = "heap-storm";
    mutex_init(&exchange_mutex);
    for (uint64_t i = 0; i < WORKERS; i++)
        threads[i] = start(work, argument_of(i));
}

/* Ends all threads, gives every block back, and says in the log whether all was well. Context: a thread. */
void heap_storm_finish(void)
{
    uint64_t most = 0, least = ~0ul;

    over = true;
    for (unsigned i = 0; i < WORKERS; i++) {
        join(threads[i]);
        put_back_all(held[i], HELD);
        most = turns[i] > most ? turns[i] : most;
        least = turns[i] < least ? turns[i] : least;
    }
    put_back_all(exchange, WORKERS);
    EXPECT(least > 0);
    log_line("test-heap-storm: # %lu to %lu turns each", least, most);
    log_line("test-heap-storm: %sok 1 every block kept what was in it", cases.complaints ? "not " : "");
    log_line("test-heap-storm: done 1");
}
EXPORT_SYMBOL(heap_storm_finish);

MODULE("test-heap-storm", "1.0", "threads that take and give back blocks until test-heap-storm-end");
