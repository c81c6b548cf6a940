/*
 * blocks.h - blocks of the heap that their holders can tell from any other: for tests of the heap.
 *
 * A holder puts into every byte what follows from the block's place and size, and looks whether it is still there
 * before the block is given back. Blocks go from one holder to another through exchange_one().
 */
#ifndef TESTS_KERNEL_BLOCKS_H
#define TESTS_KERNEL_BLOCKS_H

#include "cases.h"

#define WORKERS 6
#define HELD 48 /* blocks that one holds at a time, or places for them */

/* A block as a worker holds it: every byte has the value that follows from its place in memory. */
struct held {
    uint8_t *bytes;
    size_t size;
};

static struct held exchange[WORKERS]; /* blocks that go to another worker */
static struct mutex exchange_mutex;

static inline uint8_t mark_of(const uint8_t *block, size_t size)
{
    return (uint8_t)((uintptr_t)block >> 4 ^ size ^ size >> 8);
}

static inline void fill(const struct held *held)
{
    for (size_t i = 0; i < held->size; i++)
        held->bytes[i] = mark_of(held->bytes, held->size);
}

static inline bool is_whole(const struct held *held)
{
    for (size_t i = 0; i < held->size; i++)
        if (held->bytes[i] != mark_of(held->bytes, held->size))
            return false;
    return true;
}

static inline size_t some_size(uint32_t *seed)
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

static inline void put_back(struct held *held)
{
    if (!held->bytes)
        return;
    EXPECT(is_whole(held));
    heap_free(held->bytes);
    held->bytes = NULL;
}

static inline void take(struct held *held, size_t size)
{
    held->size = size;
    held->bytes = heap_alloc(size);
    EXPECT(held->bytes);
    EXPECT((uintptr_t)held->bytes % 16 == 0);
    if (held->bytes)
        fill(held);
}

static inline void exchange_one(struct held *mine, struct held *place)
{
    mutex_lock(&exchange_mutex);
    struct held other = *place;
    *place = *mine;
    *mine = other;
    mutex_unlock(&exchange_mutex);
}

/* One turn of a worker: gives a block back, takes another, and gives it away at times. */
static inline void turn(struct held *mine, uint32_t *seed, uint64_t number)
{
    struct held *one = &mine[random_next(seed) % HELD];

    put_back(one);
    take(one, some_size(seed));
    if (number % 8 == 0)
        exchange_one(one, &exchange[random_next(seed) % WORKERS]);
    if (number % 64 == 0)
        thread_yield();
}

static inline void put_back_all(struct held *held, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put_back(&held[i]);
}

#endif
