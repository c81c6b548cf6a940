/*
 * slab.c - the module heap-slab: a span is a slab of objects of one size, and the object that was freed last is given
 * out first.
 *
 * Free objects are chained through their own first words, so that taking one is a load and giving one back a store, and
 * what is given out is likely to be in the cache still. Objects that were never given out are not even chained: a new
 * slab costs nothing but its description. (So what is written to an object after it was freed damages the chain; the
 * core then refuses what comes of it. The built-in heap keeps bits aside and does not care.)
 *
 * Context and locks: as in moult/heap.h. All functions are O(1).
 */
#include <moult/heap.h>
#include <moult/module.h>
#include <sys/queue.h>

#define SIZES 14

/* What an object that is free begins with. */
struct object {
    struct object *next;
};

struct heap_span {
    LIST_ENTRY(heap_span) link; /* while it is not full: the size's slabs */
    struct object *freed;       /* given out before, and free */
    uint8_t *fresh;             /* from here to the end: never given out */
    uint8_t *end;
    uint8_t size; /* the index of it */
};

LIST_HEAD(slabs, heap_span);

struct heap_pool {
    struct slabs partial[SIZES];
    struct heap_span *empty[SIZES]; /* one slab without a live object may be kept for each size */
    unsigned wanted;                /* the size that a slab is wanted for */
};

_Static_assert(sizeof(struct heap_pool) <= HEAP_POOL_BYTES && sizeof(struct heap_span) <= HEAP_SPAN_BYTES, "fits");

/* Two to each power of two; and how many pages so many objects fill without a rest. */
static const struct {
    uint16_t bytes;
    uint8_t pages;
} sizes[SIZES] = {{16, 1},  {32, 1},  {48, 3},  {64, 1},  {96, 3},   {128, 2},  {192, 3},
                  {256, 4}, {384, 3}, {512, 4}, {768, 3}, {1024, 4}, {1536, 3}, {2048, 4}};

/* The index of the smallest size that has room, by (bytes - 1) / HEAP_GRAIN. */
static const uint8_t size_by_grains[HEAP_BLOCK_MAX / HEAP_GRAIN] = {
    [0] = 0,          [1] = 1,          [2] = 2,          [3] = 3,           [4 ... 5] = 4,
    [6 ... 7] = 5,    [8 ... 11] = 6,   [12 ... 15] = 7,  [16 ... 23] = 8,   [24 ... 31] = 9,
    [32 ... 47] = 10, [48 ... 63] = 11, [64 ... 95] = 12, [96 ... 127] = 13,
};

static void slab_pool_init(struct heap_pool *pool, unsigned cpu)
{
    (void)cpu;
    for (unsigned i = 0; i < SIZES; i++)
        LIST_INIT(&pool->partial[i]);
}

static inline bool is_full(const struct heap_span *slab)
{
    return !slab->freed && slab->fresh == slab->end;
}

static void *slab_allocate(struct heap_pool *pool, size_t bytes, size_t alignment)
{
    if (alignment > HEAP_GRAIN) { /* objects of a power of two are aligned to it */
        size_t most = bytes > alignment ? bytes : alignment;
        bytes = 1ul << (64 - __builtin_clzl(most - 1));
    }
    unsigned size = size_by_grains[(bytes - 1) / HEAP_GRAIN];
    struct heap_span *slab = LIST_FIRST(&pool->partial[size]);
    if (!slab) {
        pool->wanted = size;
        return HEAP_WANTS_PAGES(sizes[size].pages);
    }
    struct object *object = slab->freed;
    if (object) {
        slab->freed = object->next;
    } else {
        object = (struct object *)slab->fresh;
        slab->fresh += sizes[size].bytes;
    }
    if (is_full(slab))
        LIST_REMOVE(slab, link);
    return object;
}

static void slab_add(struct heap_pool *pool, struct heap_span *slab)
{
    const struct heap_facts *facts = heap_facts(slab);

    slab->size = (uint8_t)pool->wanted;
    slab->freed = NULL;
    slab->fresh = facts->start;
    slab->end = facts->start + facts->pages * HEAP_PAGE;
    LIST_INSERT_HEAD(&pool->partial[slab->size], slab, link);
}

/* A slab has no live object. True: another one of its size has none either, and this one goes. */
static bool leave_empty(struct heap_pool *pool, struct heap_span *slab)
{
    const struct heap_span *kept = pool->empty[slab->size];

    if (kept && kept != slab && heap_facts(kept)->live == 0) {
        LIST_REMOVE(slab, link);
        return true;
    }
    pool->empty[slab->size] = slab;
    return false;
}

static bool slab_free(struct heap_pool *pool, struct heap_span *slab, void *block, size_t bytes)
{
    struct object *object = block;

    (void)bytes;
    if (is_full(slab))
        LIST_INSERT_HEAD(&pool->partial[slab->size], slab, link);
    object->next = slab->freed;
    slab->freed = object;
    return heap_facts(slab)->live == 0 && leave_empty(pool, slab);
}

const struct heap_ops slab_ops = {
    .pool_bytes = sizeof(struct heap_pool),
    .span_bytes = sizeof(struct heap_span),
    .pool_init = slab_pool_init,
    .allocate = slab_allocate,
    .add = slab_add,
    .free = slab_free,
};

MODULE_SLOT(heap, slab_ops);
MODULE("heap-slab", "1.0", "slabs of objects of one size, the last freed first");
