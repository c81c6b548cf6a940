/*
 * bitmap.c - the module frames-bitmap: the next free block, going round all memory.
 *
 * A bitmap for each chunk. A search begins where the last one ended, so a frame that was given back is left alone until
 * everything else has had its turn: late use of memory that was freed then meets old data, not someone else's.
 *
 * Entry point: bitmap_ops. Context and locks: as in moult/frames.h. O(1) while chunks have free frames, O(chunks) at
 * worst.
 */
#include <moult/frame_bits.h>
#include <moult/module.h>

struct frames_chunk {
    struct frame_bits free;
    uint32_t count; /* of them */
};

struct frames_store {
    struct frames_chunk *chunks;
    uint64_t first, count; /* the chunks that it has: first … count - 1 */
    uint64_t turn;         /* the frame after the block that was taken last */
};

static void bitmap_init(struct frames_store *store, struct frames_chunk *chunks, uint64_t count)
{
    *store = (struct frames_store){chunks, count, count, count * FRAMES_IN_CHUNK};
}

static void bitmap_adopt(struct frames_store *store, uint64_t chunk, const struct frame_bits *free)
{
    store->chunks[chunk] = (struct frames_chunk){*free, frame_bits_count(free)};
    store->first = chunk;
}

/* A block among the chunk's frames from `from` on; FRAMES_IN_CHUNK: there is none. */
static unsigned find_from(const struct frames_chunk *chunk, unsigned from, unsigned order)
{
    struct frame_bits rest = chunk->free;

    if (!(chunk->count >> order))
        return FRAMES_IN_CHUNK;
    for (unsigned i = 0; i < from / 64; i++)
        rest.words[i] = 0;
    if (from % 64)
        rest.words[from / 64] &= ~0ul << from % 64;
    return frame_bits_find(&rest, order);
}

static uint64_t bitmap_take(struct frames_store *store, unsigned order, unsigned cpu)
{
    uint64_t number = store->turn / FRAMES_IN_CHUNK, from = store->turn % FRAMES_IN_CHUNK;

    (void)cpu;
    for (uint64_t looked = store->first; looked <= store->count; looked++, number++, from = 0) {
        unsigned at;

        if (number >= store->count || number < store->first)
            number = store->first, from = 0;
        if (number == store->count) /* it has no chunk */
            break;
        at = find_from(&store->chunks[number], (unsigned)from, order);
        if (at == FRAMES_IN_CHUNK)
            continue;
        frame_bits_mark(&store->chunks[number].free, at, order, false);
        store->chunks[number].count -= 1u << order;
        store->turn = number * FRAMES_IN_CHUNK + at + (1u << order);
        return number * FRAMES_IN_CHUNK + at;
    }
    return FRAMES_NONE;
}

static void bitmap_give(struct frames_store *store, uint64_t frame, unsigned order)
{
    struct frames_chunk *chunk = &store->chunks[frame / FRAMES_IN_CHUNK];

    frame_bits_mark(&chunk->free, frame % FRAMES_IN_CHUNK, order, true);
    chunk->count += 1u << order;
}

static void bitmap_show(const struct frames_store *store, uint64_t chunk, struct frame_bits *bits)
{
    *bits = store->chunks[chunk].free;
}

const struct frames_ops bitmap_ops = {
    .store_bytes = sizeof(struct frames_store),
    .chunk_bytes = sizeof(struct frames_chunk),
    .init = bitmap_init,
    .adopt = bitmap_adopt,
    .take = bitmap_take,
    .give = bitmap_give,
    .show = bitmap_show,
};

MODULE("frames-bitmap", "1.0", "page allocator: the next free block, going round all memory");
MODULE_SLOT(frames, bitmap_ops);
