/*
 * frames_first.c - the built-in fallback of the `frames` slot: the lowest free block.
 *
 * A bitmap for each chunk, and the lowest chunk that has a free frame. It is the smallest policy that does: single
 * frames are found in the chunk where the last one was, larger blocks by going through the chunks.
 *
 * Entry point: frames_first_ops. Context and locks: as in moult/frames.h. A block of order 0 in O(1), but for chunks
 * that have become full since; a larger one in O(chunks).
 */
#include <moult/frame_bits.h>

struct frames_chunk {
    struct frame_bits free;
    uint32_t count; /* of them */
};

struct frames_store {
    struct frames_chunk *chunks;
    uint64_t count;  /* of chunks */
    uint64_t lowest; /* no chunk below has a free frame */
};

static void first_init(struct frames_store *store, struct frames_chunk *chunks, uint64_t count)
{
    *store = (struct frames_store){chunks, count, count};
}

static void first_adopt(struct frames_store *store, uint64_t chunk, const struct frame_bits *free)
{
    store->chunks[chunk] = (struct frames_chunk){*free, frame_bits_count(free)};
    store->lowest = chunk;
}

static uint64_t first_take(struct frames_store *store, unsigned order, unsigned cpu)
{
    (void)cpu;
    while (store->lowest < store->count && store->chunks[store->lowest].count == 0)
        store->lowest++;
    for (uint64_t i = store->lowest; i < store->count; i++) {
        struct frames_chunk *chunk = &store->chunks[i];
        unsigned at = chunk->count >> order ? frame_bits_find(&chunk->free, order) : FRAMES_IN_CHUNK;

        if (at == FRAMES_IN_CHUNK)
            continue;
        frame_bits_mark(&chunk->free, at, order, false);
        chunk->count -= 1u << order;
        return i * FRAMES_IN_CHUNK + at;
    }
    return FRAMES_NONE;
}

static void first_give(struct frames_store *store, uint64_t frame, unsigned order)
{
    uint64_t number = frame / FRAMES_IN_CHUNK;
    struct frames_chunk *chunk = &store->chunks[number];

    frame_bits_mark(&chunk->free, frame % FRAMES_IN_CHUNK, order, true);
    chunk->count += 1u << order;
    if (number < store->lowest)
        store->lowest = number;
}

static void first_show(const struct frames_store *store, uint64_t chunk, struct frame_bits *bits)
{
    *bits = store->chunks[chunk].free;
}

const struct frames_ops frames_first_ops = {
    .store_bytes = sizeof(struct frames_store),
    .chunk_bytes = sizeof(struct frames_chunk),
    .init = first_init,
    .adopt = first_adopt,
    .take = first_take,
    .give = first_give,
    .show = first_show,
};
