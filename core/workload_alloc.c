/*
 * workload_alloc.c - threads that allocate and free frames and heap blocks all the time.
 *
 * Each holds some pieces of memory, every word of which says whose and which piece it is; what another has written
 * there is a violation. So memory that is given out twice, or given out while it is in use, shows. What one thread
 * has allocated, under whatever policy and on whatever CPU, it frees some time later, and all of it when it is
 * killed.
 *
 * Entry point: workload_alloc(). Concurrency: each thread has its own pieces.
 */
#include "core/frames.h"
#include "core/heap.h"
#include "core/thread.h"
#include "core/workload_threads.h"

#define PIECES 24
#define ORDER_LARGEST 4
#define BLOCK_SMALL 512    /* bytes, at most; */
#define BLOCK_LARGEST 6000 /* but one of LARGE_EVERY: its pages are mapped, and every CPU forgets them */
#define LARGE_EVERY 256
#define PAUSE_EVERY 64           /* pieces allocated between two yields */
#define MEMORY_PAUSE 10000000ull /* nanoseconds to wait when there is no memory */

/* A block of frames, or one of the heap. */
struct piece {
    uint64_t *words; /* NULL: none */
    uint32_t count;  /* of words */
    uint32_t order;
    bool frames;
    uint64_t mark; /* what the words begin with */
};

/* One thread's. */
struct holder {
    struct piece pieces[PIECES];
    uint64_t seed;  /* of what looks random: Marsaglia's xorshift64 */
    uint64_t marks; /* the next piece's */
};

static uint64_t draw(struct holder *holder)
{
    holder->seed ^= holder->seed << 13;
    holder->seed ^= holder->seed >> 7;
    holder->seed ^= holder->seed << 17;
    return holder->seed >> 16;
}

static void put_back(struct piece *piece)
{
    bool whole = true;

    if (!piece->words)
        return;
    for (uint32_t i = 0; i < piece->count; i++)
        whole &= piece->words[i] == piece->mark + i;
    if (!whole)
        workload_violation("what a thread wrote into memory that it had allocated was changed");
    if (piece->frames)
        frames_free_block(virtual_to_physical(piece->words), piece->order);
    else
        heap_free(piece->words);
    piece->words = NULL;
}

static uint64_t *take_frames(struct holder *holder, struct piece *piece)
{
    physical_address block;

    piece->order = draw(holder) % 4 ? 0 : (uint32_t)(draw(holder) % (ORDER_LARGEST + 1));
    piece->count = (uint32_t)(PAGE_SIZE / sizeof(uint64_t)) << piece->order;
    block = frames_alloc_block(piece->order);
    if (!block)
        return NULL;
    if (block % (PAGE_SIZE << piece->order))
        workload_violation("a block of frames is not aligned to its size");
    return physical_to_virtual(block);
}

static uint64_t *take_block(struct holder *holder, struct piece *piece)
{
    uint64_t most = draw(holder) % LARGE_EVERY ? BLOCK_SMALL : BLOCK_LARGEST;

    piece->count = 1 + (uint32_t)(draw(holder) % (most / sizeof(uint64_t)));
    return heap_alloc(piece->count * sizeof(uint64_t));
}

/* False: there is no memory. */
static bool take(struct holder *holder, struct piece *piece)
{
    piece->frames = draw(holder) % 2;
    piece->words = piece->frames ? take_frames(holder, piece) : take_block(holder, piece);
    if (!piece->words)
        return false;
    piece->mark = holder->marks;
    holder->marks += piece->count;
    for (uint32_t i = 0; i < piece->count; i++)
        piece->words[i] = piece->mark + i;
    return true;
}

void workload_alloc(void *argument)
{
    struct holder *holder = heap_alloc_zeroed(1, sizeof *holder);

    heap_free(argument);
    if (!holder)
        return;
    holder->seed = thread_number();
    holder->marks = (uint64_t)thread_number() << 40;
    for (uint64_t round = 1; !thread_killed(); round++) {
        struct piece *piece = &holder->pieces[draw(holder) % PIECES];

        put_back(piece);
        if (!take(holder, piece))
            thread_sleep(MEMORY_PAUSE);
        if (round % PAUSE_EVERY == 0)
            thread_yield();
    }
    for (unsigned i = 0; i < PIECES; i++)
        put_back(&holder->pieces[i]);
    heap_free(holder);
}
