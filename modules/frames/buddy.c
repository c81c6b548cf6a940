/*
 * buddy.c - the module frames-buddy: blocks that are halved and joined again, the smallest that will do first.
 *
 * A free block of order n whose other half (its buddy) becomes free is joined with it to one of order n + 1; a block is
 * taken by halving the smallest that is large enough. So large blocks stay whole as long as they can. Which blocks of
 * each order a chunk has is a bitmap; the chunks that have some are in a list, one for each order.
 *
 * Entry point: buddy_ops. Context and locks: as in moult/frames.h. Everything is O(orders).
 */
#include <moult/frame_bits.h>
#include <moult/module.h>
#include <stddef.h>
#include <sys/queue.h>

#define ORDERS (FRAMES_ORDER_MAX + 1)

/* The free blocks of one order in a chunk. */
struct level {
    LIST_ENTRY(level) link;   /* in the store's list while it has some */
    struct frame_bits starts; /* where they begin */
    uint32_t count;
};

struct frames_chunk {
    struct level levels[ORDERS];
};

struct frames_store {
    struct frames_chunk *chunks;
    LIST_HEAD(, level) lists[ORDERS];
};

static void buddy_init(struct frames_store *store, struct frames_chunk *chunks, uint64_t count)
{
    (void)count;
    store->chunks = chunks;
    for (unsigned order = 0; order < ORDERS; order++)
        LIST_INIT(&store->lists[order]);
}

static bool has_block(const struct level *level, unsigned at)
{
    return level->starts.words[at / 64] >> at % 64 & 1;
}

static void add_block(struct frames_store *store, struct frames_chunk *chunk, unsigned at, unsigned order)
{
    struct level *level = &chunk->levels[order];

    level->starts.words[at / 64] |= 1ul << at % 64;
    if (level->count++ == 0)
        LIST_INSERT_HEAD(&store->lists[order], level, link);
}

static void remove_block(struct frames_chunk *chunk, unsigned at, unsigned order)
{
    struct level *level = &chunk->levels[order];

    level->starts.words[at / 64] &= ~(1ul << at % 64);
    if (--level->count == 0)
        LIST_REMOVE(level, link);
}

/*
 * Splits a word of free frames into blocks, as large as they can be: of each order those without a buddy, the others
 * being halves of the next. Returns whether the whole word is one.
 */
static bool split_word(struct frames_chunk *chunk, unsigned word, uint64_t free)
{
    bool whole = free == ~0ul; /* most are */
    if (whole)
        free = 0;
    for (unsigned order = 0; order < FRAME_WORD_ORDER - 1; order++) {
        uint64_t pairs = free & free >> (1u << order) & frame_bits_aligned(order + 1);
        chunk->levels[order].starts.words[word] = free & ~(pairs | pairs << (1u << order));
        free = pairs;
    }
    chunk->levels[FRAME_WORD_ORDER - 1].starts.words[word] = free;
    return whole;
}

/* The same with whole words, a bit each: a block of them begins at the first bit of its first word. */
static void split_words(struct frames_chunk *chunk, unsigned whole)
{
    for (unsigned order = FRAME_WORD_ORDER; order < ORDERS; order++) {
        unsigned distance = 1u << (order - FRAME_WORD_ORDER);
        unsigned pairs = whole & whole >> distance & (unsigned)frame_bits_aligned(order - FRAME_WORD_ORDER + 1);
        unsigned alone = whole & ~(pairs | pairs << distance);
        for (unsigned i = 0; i < FRAME_WORDS; i++)
            chunk->levels[order].starts.words[i] = alone >> i & 1;
        whole = pairs;
    }
}

static void buddy_adopt(struct frames_store *store, uint64_t number, const struct frame_bits *free)
{
    struct frames_chunk *chunk = &store->chunks[number];
    unsigned whole = 0;

    for (unsigned i = 0; i < FRAME_WORDS; i++)
        whole |= (unsigned)split_word(chunk, i, free->words[i]) << i;
    split_words(chunk, whole);
    for (unsigned order = 0; order < ORDERS; order++) {
        struct level *level = &chunk->levels[order];
        level->count = frame_bits_count(&level->starts);
        if (level->count > 0)
            LIST_INSERT_HEAD(&store->lists[order], level, link);
    }
}

/* The chunk that a level belongs to: its levels stand one after the other. */
static struct frames_chunk *chunk_of(struct level *level, unsigned order)
{
    return (struct frames_chunk *)(level - order);
}

static uint64_t buddy_take(struct frames_store *store, unsigned order, unsigned cpu)
{
    unsigned found = order, at;
    struct level *level;
    struct frames_chunk *chunk;

    (void)cpu;
    while (found < ORDERS && LIST_EMPTY(&store->lists[found]))
        found++;
    if (found == ORDERS)
        return FRAMES_NONE;
    level = LIST_FIRST(&store->lists[found]);
    chunk = chunk_of(level, found);
    at = frame_bits_find(&level->starts, 0);
    remove_block(chunk, at, found);
    while (found-- > order)
        add_block(store, chunk, at + (1u << found), found);
    return (uint64_t)(chunk - store->chunks) * FRAMES_IN_CHUNK + at;
}

static void buddy_give(struct frames_store *store, uint64_t frame, unsigned order)
{
    struct frames_chunk *chunk = &store->chunks[frame / FRAMES_IN_CHUNK];
    unsigned at = frame % FRAMES_IN_CHUNK;

    for (; order < FRAMES_ORDER_MAX && has_block(&chunk->levels[order], at ^ 1u << order); order++) {
        remove_block(chunk, at ^ 1u << order, order);
        at &= ~(1u << order);
    }
    add_block(store, chunk, at, order);
}

static void buddy_show(const struct frames_store *store, uint64_t number, struct frame_bits *bits)
{
    const struct frames_chunk *chunk = &store->chunks[number];

    for (unsigned order = 0; order < ORDERS; order++) {
        const struct level *level = &chunk->levels[order];
        for (unsigned i = 0; level->count > 0 && i < FRAME_WORDS; i++) {
            for (uint64_t left = level->starts.words[i]; left; left &= left - 1)
                frame_bits_mark(bits, i * 64 + (unsigned)__builtin_ctzl(left), order, true);
        }
    }
}

const struct frames_ops buddy_ops = {
    .store_bytes = sizeof(struct frames_store),
    .chunk_bytes = sizeof(struct frames_chunk),
    .init = buddy_init,
    .adopt = buddy_adopt,
    .take = buddy_take,
    .give = buddy_give,
    .show = buddy_show,
};

_Static_assert(offsetof(struct frames_chunk, levels) == 0, "a chunk is found from its levels");

MODULE("frames-buddy", "1.0", "page allocator: blocks halved and joined, the smallest that will do");
MODULE_SLOT(frames, buddy_ops);
