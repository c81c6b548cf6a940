/*
 * ranges.c - the tree of address ranges, and the memory of their descriptions.
 *
 * One tree by address for each area, in which every node knows the longest free range below it: so the lowest range
 * that is long enough is found on one way down, and its neighbours are a step away. Descriptions have frames of their
 * own, never given back, since the heap that others use is itself made of ranges.
 *
 * Concurrency: the caller holds the vm lock.
 */
#include "core/ranges.h"
#include "core/frames.h"
#include "core/panic.h"

#define SPARE_MIN 2 /* taking a range from the middle of a free one makes two more */

/* Descriptions in no tree, chained by node.parent. */
static struct {
    struct tree_node *first;
    size_t count;
} spare;

static inline struct range *range_of(struct tree_node *node)
{
    return (struct range *)node;
}

static inline size_t longest_below(const struct tree_node *node)
{
    return node ? ((const struct range *)node)->longest : 0;
}

static bool before(const struct tree_node *a, const struct tree_node *b)
{
    return ((const struct range *)a)->first < ((const struct range *)b)->first;
}

static bool update(struct tree_node *node)
{
    struct range *range = range_of(node);
    size_t left = longest_below(node->child[0]), right = longest_below(node->child[1]);
    size_t longest = range->reserved ? 0 : range->pages, old = range->longest;

    if (longest < left)
        longest = left;
    if (longest < right)
        longest = right;
    range->longest = longest;
    return longest != old;
}

static void discard(struct range *range)
{
    range->node.parent = spare.first;
    spare.first = &range->node;
    spare.count++;
}

/* Sees to it that the next SPARE_MIN descriptions are there. False: no memory. */
static bool prepare_spares(void)
{
    if (spare.count >= SPARE_MIN)
        return true;
    physical_address frame = frames_alloc();
    if (!frame)
        return false;
    struct range *descriptions = physical_to_virtual(frame);
    for (size_t i = 0; i < PAGE_SIZE / sizeof *descriptions; i++)
        discard(descriptions + i);
    return true;
}

/* Adds a free range. */
static void add(struct range_area *area, uintptr_t first, size_t pages)
{
    struct range *range = range_of(spare.first);

    spare.first = range->node.parent;
    spare.count--;
    *range = (struct range){.first = first, .pages = pages};
    tree_insert(&area->ranges, &range->node, before, update);
}

void ranges_init(struct range_area *area, uintptr_t first, size_t bytes)
{
    *area = (struct range_area){.first = first, .bytes = bytes};
    if (!prepare_spares())
        panic("there is no memory to describe the kernel's addresses with; give the machine more");
    add(area, first, bytes / PAGE_SIZE - 1);
}

void ranges_take_turns(struct range_area *area, size_t bytes)
{
    area->turn_bytes = bytes;
    area->turn = area->first;
}

/* The addresses of a free range from `from` on, in pages. */
static size_t pages_from(const struct range *range, uintptr_t from)
{
    size_t before_it = range->first < from ? (from - range->first) / PAGE_SIZE : 0;
    return range->reserved || before_it >= range->pages ? 0 : range->pages - before_it;
}

/*
 * The lowest free range below `node` that has `pages` pages from `from` on; NULL: none has. Only the ranges on the way
 * down to `from` are looked at in vain.
 */
static struct range *lowest_free(struct tree_node *node, size_t pages, uintptr_t from)
{
    struct range *range, *found = NULL;

    if (longest_below(node) < pages)
        return NULL;
    range = range_of(node);
    if (range->first > from)
        found = lowest_free(node->child[0], pages, from);
    if (!found && pages_from(range, from) >= pages)
        found = range;
    return found ? found : lowest_free(node->child[1], pages, from);
}

/* The free range to take `pages` pages from, and from where on. NULL: there is none. */
static struct range *find_free(const struct range_area *area, size_t pages, uintptr_t *from)
{
    struct range *range;

    *from = area->first;
    if (area->turn_bytes) {
        range = lowest_free(area->ranges.root, pages, area->turn);
        if (range) {
            uintptr_t start = range->first > area->turn ? range->first : area->turn;
            if (start + pages * PAGE_SIZE <= area->first + area->turn_bytes) {
                *from = start;
                return range;
            }
        }
    }
    return lowest_free(area->ranges.root, pages, area->first);
}

/* Cuts `pages` pages and their guard page, `start` being the first of the pages, out of a free range. */
static void cut(struct range_area *area, struct range *range, uintptr_t start, size_t pages)
{
    size_t front = (start - range_start(range)) / PAGE_SIZE, back = range->pages - front - (pages + 1);
    uintptr_t first = range->first;

    range->first = start - PAGE_SIZE;
    range->pages = pages + 1;
    range->mapped = 0;
    range->reserved = true;
    tree_mend(&area->ranges, &range->node, NULL, update);
    if (front)
        add(area, first, front);
    if (back)
        add(area, start + pages * PAGE_SIZE, back);
}

struct range *range_take(struct range_area *area, size_t pages, size_t alignment)
{
    size_t slack = alignment / PAGE_SIZE - 1, needed;
    uintptr_t from, start;
    struct range *range;

    if (!pages || __builtin_add_overflow(pages, slack + 1, &needed))
        return NULL;
    range = find_free(area, needed, &from);
    if (!range || !prepare_spares())
        return NULL;
    start = range->first > from ? range->first : from;
    start = (start + PAGE_SIZE + alignment - 1) & ~(alignment - 1);
    cut(area, range, start, pages);
    area->turn = start + pages * PAGE_SIZE;
    return range;
}

void range_give(struct range_area *area, struct range *range)
{
    struct tree_node *lower = tree_step(&range->node, 0), *upper = tree_step(&range->node, 1);

    if (lower && !range_of(lower)->reserved) {
        range->first = range_of(lower)->first;
        range->pages += range_of(lower)->pages;
        tree_remove(&area->ranges, lower, update);
        discard(range_of(lower));
    }
    if (upper && !range_of(upper)->reserved) {
        range->pages += range_of(upper)->pages;
        tree_remove(&area->ranges, upper, update);
        discard(range_of(upper));
    }
    range->reserved = false;
    tree_mend(&area->ranges, &range->node, NULL, update);
}

struct range *range_find(const struct range_area *area, uintptr_t address)
{
    struct tree_node *node = area->ranges.root;

    while (node) {
        struct range *range = range_of(node);
        if (address < range->first)
            node = node->child[0];
        else if (address - range->first >= range->pages * PAGE_SIZE)
            node = node->child[1];
        else
            return range->reserved ? range : NULL;
    }
    return NULL;
}
