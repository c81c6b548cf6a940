/*
 * heap.c - the heap from all CPUs at once: blocks do not overlap, keep what is in them, and can be freed by anyone.
 */
#include "cases.h"

#define WORKERS 6
#define HELD 48

/* A block as a worker holds it: every byte has the value that follows from its place in memory. */
struct held {
    uint8_t *bytes;
    size_t size;
};

static struct held exchange[WORKERS]; /* blocks that go to another worker */
static struct mutex exchange_mutex;

static uint8_t mark_of(const uint8_t *block, size_t size)
{
    return (uint8_t)((uintptr_t)block >> 4 ^ size ^ size >> 8);
}

static void fill(const struct held *held)
{
    for (size_t i = 0; i < held->size; i++)
        held->bytes[i] = mark_of(held->bytes, held->size);
}

static bool is_whole(const struct held *held)
{
    for (size_t i = 0; i < held->size; i++)
        if (held->bytes[i] != mark_of(held->bytes, held->size))
            return false;
    return true;
}

static size_t some_size(uint32_t *seed)
{
    switch (random_next(seed) % 8) {
    case 0:
        return 1 + random_next(seed) % 16384;
    case 1:
        return 1 + random_next(seed) % 2048;
    default:
        return 1 + random_next(seed) % 256;
    }
}

static void put_back(struct held *held)
{
    if (!held->bytes)
        return;
    EXPECT(is_whole(held));
    heap_free(held->bytes);
    held->bytes = NULL;
}

static void take(struct held *held, size_t size)
{
    held->size = size;
    held->bytes = heap_alloc(size);
    EXPECT(held->bytes);
    EXPECT((uintptr_t)held->bytes % 16 == 0);
    if (held->bytes)
        fill(held);
}

static void exchange_one(struct held *mine, struct held *place)
{
    mutex_lock(&exchange_mutex);
    struct held other = *place;
    *place = *mine;
    *mine = other;
    mutex_unlock(&exchange_mutex);
}

static void work(void *argument)
{
    static struct held all[WORKERS][HELD];
    struct held *mine = all[number_of(argument)];
    uint32_t seed = (uint32_t)number_of(argument) + 1;

    for (uint32_t i = rounds(2000); i > 0; i--) {
        struct held *one = &mine[random_next(&seed) % HELD];

        put_back(one);
        take(one, some_size(&seed));
        if (i % 8 == 0)
            exchange_one(one, &exchange[random_next(&seed) % WORKERS]);
        if (i % 64 == 0)
            thread_yield();
    }
    for (unsigned i = 0; i < HELD; i++)
        put_back(&mine[i]);
}

static void storm(void)
{
    uint32_t threads[WORKERS];

    mutex_init(&exchange_mutex);
    for (uint32_t i = 0; i < WORKERS; i++)
        threads[i] = start(work, argument_of(i));
    for (uint32_t i = 0; i < WORKERS; i++)
        join(threads[i]);
    for (uint32_t i = 0; i < WORKERS; i++)
        put_back(&exchange[i]);
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
