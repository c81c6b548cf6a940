/*
 * percpu.c - the module frames-percpu: a few free frames at each CPU, over bitmaps that all share.
 *
 * Single frames come from and go to the cache of the CPU that asks, without a lock, the one given back last first: it
 * is in that CPU's own caches. Half a cache at a time passes between it and the store. The store takes from the chunk
 * that was given something last.
 *
 * Entry point: percpu_ops. Context and locks: as in moult/frames.h. Single frames are O(1), exchange O(CACHE_FRAMES),
 * larger blocks O(chunks).
 */
#include <moult/frame_bits.h>
#include <moult/module.h>
#include <stddef.h>
#include <sys/queue.h>

#define CACHE_FRAMES 32u /* a power of two */
#define BATCH (CACHE_FRAMES / 2)

struct frames_chunk {
    LIST_ENTRY(frames_chunk) link; /* in the store's list while it has a free frame */
    struct frame_bits free;
    uint32_t count; /* of them */
};

struct frames_store {
    struct frames_chunk *chunks;
    LIST_HEAD(, frames_chunk) some;
};

/* A ring: the oldest is frames[first % CACHE_FRAMES]. */
struct frames_cache {
    uint64_t frames[CACHE_FRAMES];
    uint32_t first, count;
};

static void percpu_init(struct frames_store *store, struct frames_chunk *chunks, uint64_t count)
{
    (void)count;
    store->chunks = chunks;
    LIST_INIT(&store->some);
}

static void percpu_adopt(struct frames_store *store, uint64_t number, const struct frame_bits *free)
{
    struct frames_chunk *chunk = &store->chunks[number];

    chunk->free = *free;
    chunk->count = frame_bits_count(free);
    if (chunk->count > 0)
        LIST_INSERT_HEAD(&store->some, chunk, link);
}

static uint64_t take_at(struct frames_store *store, struct frames_chunk *chunk, unsigned at, unsigned order)
{
    frame_bits_mark(&chunk->free, at, order, false);
    chunk->count -= 1u << order;
    if (chunk->count == 0)
        LIST_REMOVE(chunk, link);
    return (uint64_t)(chunk - store->chunks) * FRAMES_IN_CHUNK + at;
}

static uint64_t percpu_take(struct frames_store *store, unsigned order, unsigned cpu)
{
    struct frames_chunk *chunk;

    (void)cpu;
    LIST_FOREACH(chunk, &store->some, link) {
        unsigned at = frame_bits_find(&chunk->free, order);

        if (at < FRAMES_IN_CHUNK)
            return take_at(store, chunk, at, order);
    }
    return FRAMES_NONE;
}

static void percpu_give(struct frames_store *store, uint64_t frame, unsigned order)
{
    struct frames_chunk *chunk = &store->chunks[frame / FRAMES_IN_CHUNK];

    frame_bits_mark(&chunk->free, frame % FRAMES_IN_CHUNK, order, true);
    if (chunk->count == 0)
        LIST_INSERT_HEAD(&store->some, chunk, link);
    chunk->count += 1u << order;
}

static void percpu_show(const struct frames_store *store, uint64_t chunk, struct frame_bits *bits)
{
    *bits = store->chunks[chunk].free;
}

static uint64_t percpu_cache_take(struct frames_cache *cache, unsigned cpu)
{
    (void)cpu;
    if (cache->count == 0)
        return FRAMES_NONE;
    cache->count--;
    return cache->frames[(cache->first + cache->count) % CACHE_FRAMES];
}

static bool percpu_cache_give(struct frames_cache *cache, uint64_t frame)
{
    if (cache->count == CACHE_FRAMES)
        return false;
    cache->frames[(cache->first + cache->count++) % CACHE_FRAMES] = frame;
    return true;
}

static void percpu_exchange(struct frames_store *store, struct frames_cache *cache, enum frames_exchange which)
{
    uint32_t keep = which == FRAMES_SPILL ? CACHE_FRAMES - BATCH : 0;

    if (which == FRAMES_REFILL) {
        struct frames_chunk *chunk;
        while (cache->count < BATCH && (chunk = LIST_FIRST(&store->some)))
            percpu_cache_give(cache, take_at(store, chunk, frame_bits_find(&chunk->free, 0), 0));
        return;
    }
    for (; cache->count > keep; cache->count--)
        percpu_give(store, cache->frames[cache->first++ % CACHE_FRAMES], 0);
}

const struct frames_ops percpu_ops = {
    .store_bytes = sizeof(struct frames_store),
    .chunk_bytes = sizeof(struct frames_chunk),
    .cache_bytes = sizeof(struct frames_cache),
    .init = percpu_init,
    .adopt = percpu_adopt,
    .take = percpu_take,
    .give = percpu_give,
    .show = percpu_show,
    .cache_take = percpu_cache_take,
    .cache_give = percpu_cache_give,
    .exchange = percpu_exchange,
};

MODULE("frames-percpu", "1.0", "page allocator: free frames cached at each CPU");
MODULE_SLOT(frames, percpu_ops);
