/*
 * tlsf.c - the module heap-tlsf: two-level segregated fit (M. Masmano and others, 2004). Any size, and yet a bound on
 * the time that does not depend on what the heap holds: which suits a kernel that allocates with interrupts off.
 *
 * Holes are in lists by size, one list for each size up to 7 grains, eight to each power of two above. A bit for each
 * list tells whether it has a hole, so the first list whose every hole is large enough is found by two instructions. A
 * hole's links are in the hole itself. Where a freed block's neighbours begin and end, when they are holes, is seen in
 * the core's map, which is of one size; so no tag stands at the blocks.
 *
 * Context and locks: as in moult/heap.h. All functions are O(1).
 */
#include <moult/heap_holes.h>
#include <moult/module.h>

#define SMALL 8 /* grains: below, each size has its list; and lists to each power of two */
#define LISTS 65
#define WORDS 2

/* At the start of a hole. */
struct hole {
    struct hole *next, *previous;
    uint64_t grains; /* only of holes of at least SMALL */
};

struct heap_span {
    char none; /* what is to be known of a span is in the core's map */
};

struct heap_pool {
    struct hole *lists[LISTS];
    uint64_t filled[WORDS];  /* bit n: list n has a hole */
    struct heap_span *empty; /* one span without a live block may be kept */
};

_Static_assert(sizeof(struct heap_pool) <= HEAP_POOL_BYTES && sizeof(struct heap_span) <= HEAP_SPAN_BYTES, "fits");

static void tlsf_pool_init(struct heap_pool *pool, unsigned cpu)
{
    (void)cpu;
    *pool = (struct heap_pool){.empty = NULL};
}

/* The list of holes of that size, at least 1. */
static inline unsigned list_of(uint64_t grains)
{
    unsigned power = 63 - (unsigned)__builtin_clzl(grains);

    return grains < SMALL ? (unsigned)grains : (power - 2) * SMALL + ((unsigned)(grains >> (power - 3)) & (SMALL - 1));
}

/* The first list, in order of size, whose every hole has so many grains; LISTS: they are empty. */
static unsigned find_list(const struct heap_pool *pool, uint64_t grains)
{
    unsigned list = list_of(grains < SMALL ? grains : grains + (1ul << (60 - __builtin_clzl(grains))) - 1);

    for (unsigned word = list / 64; word < WORDS; word++) {
        uint64_t filled = pool->filled[word];
        if (word == list / 64)
            filled &= ~0ul << list % 64;
        if (filled)
            return word * 64 + (unsigned)__builtin_ctzl(filled);
    }
    return LISTS;
}

static void insert(struct heap_pool *pool, uint8_t *place, uint64_t grains)
{
    struct hole *hole = (struct hole *)place;
    unsigned list = list_of(grains);

    hole->previous = NULL;
    hole->next = pool->lists[list];
    if (hole->next)
        hole->next->previous = hole;
    if (grains >= SMALL)
        hole->grains = grains;
    pool->lists[list] = hole;
    pool->filled[list / 64] |= 1ul << list % 64;
}

static void remove(struct heap_pool *pool, struct hole *hole, unsigned list)
{
    if (hole->next)
        hole->next->previous = hole->previous;
    if (hole->previous)
        hole->previous->next = hole->next;
    else
        pool->lists[list] = hole->next;
    if (!pool->lists[list])
        pool->filled[list / 64] &= ~(1ul << list % 64);
}

static void *tlsf_allocate(struct heap_pool *pool, size_t bytes, size_t alignment)
{
    unsigned list = find_list(pool, (bytes + alignment) / HEAP_GRAIN - 1);
    if (list == LISTS)
        return HEAP_WANTS_PAGES(HEAP_SPAN_PAGES_MAX);
    struct hole *hole = pool->lists[list];
    size_t room = (list < SMALL ? list : hole->grains) * HEAP_GRAIN;
    uint8_t *place = (uint8_t *)(((uintptr_t)hole + alignment - 1) & -alignment);
    size_t before = (size_t)(place - (uint8_t *)hole);
    remove(pool, hole, list);
    if (before)
        insert(pool, (uint8_t *)hole, before / HEAP_GRAIN);
    if (room > before + bytes)
        insert(pool, place + bytes, (room - before - bytes) / HEAP_GRAIN);
    return place;
}

static void tlsf_add(struct heap_pool *pool, struct heap_span *span)
{
    const struct heap_facts *facts = heap_facts(span);

    insert(pool, facts->start, facts->pages * HEAP_PAGE / HEAP_GRAIN);
}

/* Does another span have no live block? If not, this one, which has none, is the one to keep. */
static bool have_empty(struct heap_pool *pool, struct heap_span *span)
{
    if (pool->empty && pool->empty != span && heap_facts(pool->empty)->live == 0)
        return true;
    pool->empty = span;
    return false;
}

static bool tlsf_free(struct heap_pool *pool, struct heap_span *span, void *block, size_t bytes)
{
    const struct heap_facts *facts = heap_facts(span);
    uint32_t place = (uint32_t)((uint8_t *)block - facts->start) / HEAP_GRAIN;
    uint32_t after = place + (uint32_t)(bytes / HEAP_GRAIN);
    uint32_t start = heap_hole_start(facts, place), end = heap_next_grain(facts, after, true);

    if (start < place)
        remove(pool, (struct hole *)(facts->start + start * HEAP_GRAIN), list_of(place - start));
    if (after < end)
        remove(pool, (struct hole *)(facts->start + after * HEAP_GRAIN), list_of(end - after));
    if (facts->live == 0 && have_empty(pool, span))
        return true;
    insert(pool, facts->start + start * HEAP_GRAIN, end - start);
    return false;
}

const struct heap_ops tlsf_ops = {
    .pool_bytes = sizeof(struct heap_pool),
    .span_bytes = sizeof(struct heap_span),
    .pool_init = tlsf_pool_init,
    .allocate = tlsf_allocate,
    .add = tlsf_add,
    .free = tlsf_free,
};

MODULE_SLOT(heap, tlsf_ops);
MODULE("heap-tlsf", "1.0", "two-level segregated fit: any size, in a bounded time");
