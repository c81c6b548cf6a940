/*
 * firstfit.c - the module heap-firstfit: the lowest place that is large enough, whatever the size.
 *
 * Blocks lie side by side without classes, so that nothing is lost but what lies between them, and small ones gather at
 * low addresses, which leaves whole spans empty high up. There is no list of holes and no tag at the blocks: the core's
 * map says what is free, and neighbours that are free are one hole there. A tree of the pool's spans, by address, knows
 * the largest hole of each span and of each subtree, which leads to the first span that has room.
 *
 * Context and locks: as in moult/heap.h. All functions are O(log n) in the pool's spans, and go through one span's map.
 */
#include <moult/heap_holes.h>
#include <moult/module.h>
#include <moult/tree.h>

struct heap_span {
    struct tree_node node;  /* first; by address */
    uint32_t largest;       /* hole of the span, in grains */
    uint32_t largest_below; /* of all spans of the subtree */
};

struct heap_pool {
    struct tree spans;
    struct heap_span *empty; /* one span without a live block may be kept; NULL: there is none */
};

static void firstfit_pool_init(struct heap_pool *pool, unsigned cpu)
{
    (void)cpu;
    *pool = (struct heap_pool){.empty = NULL};
}

static uint32_t largest_below(const struct tree_node *node)
{
    return node ? ((const struct heap_span *)node)->largest_below : 0;
}

static bool update(struct tree_node *node)
{
    struct heap_span *span = (struct heap_span *)node;
    uint32_t before = largest_below(node->child[0]), after = largest_below(node->child[1]), old = span->largest_below;

    span->largest_below = span->largest;
    if (before > span->largest_below)
        span->largest_below = before;
    if (after > span->largest_below)
        span->largest_below = after;
    return span->largest_below != old;
}

static bool before(const struct tree_node *a, const struct tree_node *b)
{
    return heap_facts((const struct heap_span *)a)->start < heap_facts((const struct heap_span *)b)->start;
}

/* The first span in order that has a hole of so many grains. */
static struct heap_span *find_span(const struct heap_pool *pool, uint32_t grains)
{
    struct tree_node *node = pool->spans.root;

    if (largest_below(node) < grains)
        return NULL;
    for (;;) {
        if (largest_below(node->child[0]) >= grains)
            node = node->child[0];
        else if (((struct heap_span *)node)->largest >= grains)
            return (struct heap_span *)node;
        else
            node = node->child[1];
    }
}

static void set_largest(struct heap_pool *pool, struct heap_span *span, uint32_t largest)
{
    if (span->largest == largest)
        return;
    span->largest = largest;
    tree_mend(&pool->spans, &span->node, NULL, update);
}

/* The largest hole of a span, if what is from `place` to `end`, within one hole, were used as well. */
static uint32_t find_largest(const struct heap_facts *facts, uint32_t place, uint32_t end)
{
    uint32_t largest = 0, hole = heap_next_grain(facts, 0, false), after;

    for (; hole < HEAP_SPAN_GRAINS; hole = heap_next_grain(facts, after, false)) {
        uint32_t grains;
        after = heap_next_grain(facts, hole, true);
        grains = after - hole;
        if (hole <= place && place < after)
            grains = place - hole > after - end ? place - hole : after - end;
        if (grains > largest)
            largest = grains;
    }
    return largest;
}

static void *firstfit_allocate(struct heap_pool *pool, size_t bytes, size_t alignment)
{
    uint32_t grains = (uint32_t)(bytes / HEAP_GRAIN), room = grains + (uint32_t)(alignment / HEAP_GRAIN) - 1;
    struct heap_span *span = find_span(pool, room);
    if (!span)
        return HEAP_WANTS_PAGES(HEAP_SPAN_PAGES_MAX);
    const struct heap_facts *facts = heap_facts(span);
    uint32_t hole = heap_next_grain(facts, 0, false), end = heap_next_grain(facts, hole, true);
    while (heap_aligned_grain(hole, alignment) + grains > end) {
        hole = heap_next_grain(facts, end, false);
        end = heap_next_grain(facts, hole, true);
    }
    uint32_t place = heap_aligned_grain(hole, alignment);
    if (end - hole == span->largest)
        set_largest(pool, span, find_largest(facts, place, place + grains));
    return facts->start + (size_t)place * HEAP_GRAIN;
}

static void firstfit_add(struct heap_pool *pool, struct heap_span *span)
{
    span->largest = heap_facts(span)->pages * HEAP_PAGE / HEAP_GRAIN;
    tree_insert(&pool->spans, &span->node, before, update);
}

static bool firstfit_free(struct heap_pool *pool, struct heap_span *span, void *block, size_t bytes)
{
    const struct heap_facts *facts = heap_facts(span);
    uint32_t place = (uint32_t)((uint8_t *)block - facts->start) / HEAP_GRAIN;
    uint32_t hole = heap_hole_start(facts, place);
    uint32_t end = heap_next_grain(facts, place + (uint32_t)(bytes / HEAP_GRAIN), true);

    if (facts->live == 0 && pool->empty && pool->empty != span && heap_facts(pool->empty)->live == 0) {
        tree_remove(&pool->spans, &span->node, update);
        return true;
    }
    if (facts->live == 0)
        pool->empty = span;
    if (end - hole > span->largest)
        set_largest(pool, span, end - hole);
    return false;
}

const struct heap_ops firstfit_ops = {
    .pool_bytes = sizeof(struct heap_pool),
    .span_bytes = sizeof(struct heap_span),
    .pool_init = firstfit_pool_init,
    .allocate = firstfit_allocate,
    .add = firstfit_add,
    .free = firstfit_free,
};

MODULE_SLOT(heap, firstfit_ops);
MODULE("heap-firstfit", "1.0", "the lowest place that is large enough; holes side by side are one");
