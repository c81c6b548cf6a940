/*
 * heap.c - the heap from all CPUs at once: blocks do not overlap, keep what is in them, and can be freed by anyone.
 */
#include "blocks.h"

static void work(void *argument)
{
    static struct held all[WORKERS][HELD];
    struct held *mine = all[number_of(argument)];
    uint32_t seed = (uint32_t)number_of(argument) + 1;

    for (uint32_t i = rounds(2000); i > 0; i--)
        turn(mine, &seed, i);
    put_back_all(mine, HELD);
}

static void storm(void)
{
    uint32_t threads[WORKERS];

    mutex_init(&exchange_mutex);
    for (uint32_t i = 0; i < WORKERS; i++)
        threads[i] = start(work, argument_of(i));
    for (uint32_t i = 0; i < WORKERS; i++)
        join(threads[i]);
    put_back_all(exchange, WORKERS);
}

static void large_and_none(void)
{
    struct held large = {0};

    take(&large, 3 << 20);
    put_back(&large);
    EXPECT(!heap_alloc(~0ull));
    EXPECT(!heap_alloc(1ull << 46));
    heap_free(NULL);
}

static void run(void)
{
    run_case("blocks of many sizes from all CPUs, some freed by another thread", storm);
    run_case("large ones, and ones that cannot be", large_and_none);
}

TEST_MODULE("heap", "tests of the heap", run);
