/*
 * frames.c - the module bad-frames: a page allocator with a bitmap for each chunk and caches, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`). tests/system/torture
 * goes through them all.
 */
#include "faults.h"
#include <moult/frame_bits.h>
#include <moult/module.h>
#include <stddef.h>
#include <sys/queue.h>

#define CACHE_FRAMES 8u

/* Values of `op`. */
enum op {
    INIT,
    ADOPT,
    TAKE,
    GIVE,
    SHOW,
    CACHE_TAKE,
    CACHE_GIVE,
    EXCHANGE,
};

/* Values of `kind` beyond those of faults.h. */
enum kind {
    BREAK_LINKS = FAULTS,
    ANSWER_NOTHING,
    ANSWER_GARBAGE,
    ANSWER_RESERVED,
    ANSWER_STALE,
    FORGET,
};

MODULE_PARAMETER(op, TAKE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct frames_chunk {
    LIST_ENTRY(frames_chunk) link; /* in the store's list while it has a free frame */
    struct frame_bits free;
    uint32_t count; /* of them */
};

struct frames_store {
    struct frames_chunk *chunks;
    LIST_HEAD(, frames_chunk) some;
};

struct frames_cache {
    uint64_t frames[CACHE_FRAMES];
    uint32_t count;
};

static uint64_t calls, stale;

/* Is this the call in which to misbehave, and every one after it? */
static bool now(enum op op)
{
    if (op != parameter_op || __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) < parameter_after)
        return false;
    parameter_hits++;
    fail_inside(parameter_kind);
    return true;
}

static uint64_t answer(uint64_t good)
{
    switch (parameter_kind) {
    case ANSWER_NOTHING:
        return FRAMES_NONE;
    case ANSWER_GARBAGE:
        return 0x5a5a5a5a5a5a5a5aul;
    case ANSWER_RESERVED:
        return 0xa0; /* the screen of old */
    case ANSWER_STALE:
        return stale;
    default:
        return good;
    }
}

static void bad_init(struct frames_store *store, struct frames_chunk *chunks, uint64_t count)
{
    (void)count;
    store->chunks = chunks;
    LIST_INIT(&store->some);
    now(INIT);
}

static void bad_adopt(struct frames_store *store, uint64_t number, const struct frame_bits *free)
{
    struct frames_chunk *chunk = &store->chunks[number];
    bool bad = now(ADOPT);

    chunk->free = *free;
    if (bad && parameter_kind == FORGET)
        chunk->free = (struct frame_bits){{0}};
    chunk->count = frame_bits_count(&chunk->free);
    if (chunk->count > 0)
        LIST_INSERT_HEAD(&store->some, chunk, link);
    if (bad && parameter_kind == BREAK_LINKS)
        chunk->link.le_next = (struct frames_chunk *)NOWHERE;
}

static uint64_t take(struct frames_store *store, unsigned order)
{
    struct frames_chunk *chunk;

    LIST_FOREACH(chunk, &store->some, link) {
        unsigned at = frame_bits_find(&chunk->free, order);
        if (at == FRAMES_IN_CHUNK)
            continue;
        frame_bits_mark(&chunk->free, at, order, false);
        chunk->count -= 1u << order;
        if (chunk->count == 0)
            LIST_REMOVE(chunk, link);
        return (uint64_t)(chunk - store->chunks) * FRAMES_IN_CHUNK + at;
    }
    return FRAMES_NONE;
}

static void give(struct frames_store *store, uint64_t frame, unsigned order)
{
    struct frames_chunk *chunk = &store->chunks[frame / FRAMES_IN_CHUNK];

    frame_bits_mark(&chunk->free, frame % FRAMES_IN_CHUNK, order, true);
    if (chunk->count == 0)
        LIST_INSERT_HEAD(&store->some, chunk, link);
    chunk->count += 1u << order;
}

static uint64_t bad_take(struct frames_store *store, unsigned order, unsigned cpu)
{
    bool bad = now(TAKE);
    uint64_t frame = take(store, order);

    (void)cpu;
    if (bad)
        return answer(frame);
    return stale = frame;
}

static void bad_give(struct frames_store *store, uint64_t frame, unsigned order)
{
    bool bad = now(GIVE);

    if (!bad || parameter_kind != FORGET)
        give(store, frame, order);
    if (bad && parameter_kind == BREAK_LINKS)
        store->chunks[frame / FRAMES_IN_CHUNK].link.le_next = (struct frames_chunk *)NOWHERE;
}

static void bad_show(const struct frames_store *store, uint64_t chunk, struct frame_bits *bits)
{
    *bits = store->chunks[chunk].free;
    if (now(SHOW) && parameter_kind == FORGET)
        *bits = (struct frame_bits){{0}};
}

static uint64_t bad_cache_take(struct frames_cache *cache, unsigned cpu)
{
    bool bad = now(CACHE_TAKE);
    uint64_t frame = cache->count > 0 ? cache->frames[--cache->count] : FRAMES_NONE;

    (void)cpu;
    if (bad)
        return answer(frame);
    stale = frame ? frame : stale;
    return frame;
}

static bool bad_cache_give(struct frames_cache *cache, uint64_t frame)
{
    bool bad = now(CACHE_GIVE);

    if (bad && parameter_kind == ANSWER_NOTHING)
        return false;
    if (bad && parameter_kind == FORGET)
        return true;
    if (cache->count == CACHE_FRAMES)
        return false;
    cache->frames[cache->count++] = frame;
    return true;
}

static void bad_exchange(struct frames_store *store, struct frames_cache *cache, enum frames_exchange which)
{
    bool bad = now(EXCHANGE);
    uint32_t keep = which == FRAMES_SPILL ? CACHE_FRAMES / 2 : 0;
    uint64_t frame;

    if (which == FRAMES_REFILL) {
        while (cache->count < CACHE_FRAMES / 2 && (frame = take(store, 0)) != FRAMES_NONE)
            cache->frames[cache->count++] = frame;
    } else {
        while (cache->count > keep)
            give(store, cache->frames[--cache->count], 0);
    }
    if (bad && parameter_kind == FORGET)
        cache->count = 0;
}

const struct frames_ops bad_frames_ops = {
    .store_bytes = sizeof(struct frames_store),
    .chunk_bytes = sizeof(struct frames_chunk),
    .cache_bytes = sizeof(struct frames_cache),
    .init = bad_init,
    .adopt = bad_adopt,
    .take = bad_take,
    .give = bad_give,
    .show = bad_show,
    .cache_take = bad_cache_take,
    .cache_give = bad_cache_give,
    .exchange = bad_exchange,
};

MODULE_SLOT(frames, bad_frames_ops);
MODULE("bad-frames", "1.0", "a page allocator, until it misbehaves as its parameters say");
