/*
 * heap_check.c - counting what the heap holds, and verifying it.
 *
 * Entry points: heap_count() and heap_shares(), exact while nobody else uses the heap; heap_check(), with all CPUs
 * held, which takes no lock.
 */
#include "core/heap.h"
#include "core/heap_large.h"
#include "core/heap_private.h"
#include "core/spans.h"
#include <moult/text.h>
#include <stdbool.h>

static unsigned bits_set(uint64_t word)
{
    unsigned count = 0;

    for (; word; word &= word - 1)
        count++;
    return count;
}

static uint64_t used_bytes(const struct span *span)
{
    uint64_t grains = 0;

    for (size_t word = 0; word < span->facts.pages * PAGE_WORDS; word++)
        grains += bits_set(span->facts.used[word]);
    return grains * HEAP_GRAIN;
}

void heap_count(struct heap_count *count)
{
    size_t made = span_arena.made;

    *count = (struct heap_count){.pages = (made * sizeof(struct span) + PAGE_MASK) / PAGE_SIZE};
    for (size_t slot = 0; slot < made; slot++) {
        const struct span *span = &span_arena.spans[slot];
        if (!span->holder)
            continue;
        count->blocks += span->facts.live;
        count->bytes += used_bytes(span);
        count->spans++;
        count->pages += span->facts.pages;
    }
    large_count(count);
}

/* The share of that number; those before it are of higher ones. A new one drops the last if there is no room. */
static struct heap_share *share_of(struct heap_share *shares, unsigned *count, unsigned capacity, uint32_t number)
{
    unsigned place = 0;

    while (place < *count && shares[place].number > number)
        place++;
    if (place < *count && shares[place].number == number)
        return &shares[place];
    if (place == capacity)
        return NULL;
    *count += *count < capacity;
    for (unsigned i = *count - 1; i > place; i--)
        shares[i] = shares[i - 1];
    const char *name = heap_policy_name(number);
    shares[place] = (struct heap_share){.policy = name ? name : "?", .number = number, .state = HEAP_DRAINING};
    if (number == heap_holder_number(heap_cpus[0].holder))
        shares[place].state = HEAP_OCCUPANT;
    else if (number == heap_holder_number(heap_cpus[0].fallback_holder))
        shares[place].state = HEAP_FALLBACK;
    return &shares[place];
}

unsigned heap_shares(struct heap_share *shares, unsigned capacity)
{
    unsigned count = 0;

    share_of(shares, &count, capacity, heap_holder_number(heap_cpus[0].holder));
    for (size_t slot = 0; slot < span_arena.made; slot++) {
        const struct span *span = &span_arena.spans[slot];
        uint32_t number = heap_holder_number(span->holder);
        struct heap_share *share = number ? share_of(shares, &count, capacity, number) : NULL;
        if (!share)
            continue;
        share->blocks += span->facts.live;
        share->bytes += used_bytes(span);
        share->spans++;
        share->pages += span->facts.pages;
    }
    return count;
}

/* Whose bits are wrong: `used` has no other runs than those that begin with a block, and all behind the end. */
static const char *map_fault(const struct span *span)
{
    size_t inside = span->facts.pages * PAGE_WORDS;
    unsigned blocks = 0;
    bool before = false; /* the last grain of the word before is used */

    for (size_t word = 0; word < SPAN_WORDS; word++) {
        uint64_t used = span->facts.used[word], first = span->first[word];
        if (word >= inside) {
            if (~used || first)
                return "has blocks behind its end";
            continue;
        }
        if (first & ~used)
            return "has blocks that begin where nothing is used";
        if (used & ~first & ~(used << 1 | before))
            return "has used grains that belong to no block";
        blocks += bits_set(first);
        before = used >> 63;
    }
    return blocks == span->facts.live ? NULL : "counts its live blocks wrongly";
}

/* What is wrong with a span that has a holder; NULL: nothing. */
static const char *span_fault(const struct span *span)
{
    physical_address frame;
    unsigned protection;

    if (heap_holder_number(span->holder) == 0 || heap_holder_cpu(span->holder) >= CPU_MAX)
        return "belongs to nobody";
    if (span->facts.pages - 1 >= HEAP_SPAN_PAGES_MAX ||
        (uintptr_t)span->facts.start != span_arena.base + (size_t)(span - span_arena.spans) * SPAN_BYTES)
        return "is not where its description says";
    for (uint32_t page = 0; page < span->facts.pages; page++)
        if (!arch_translate((uintptr_t)span->facts.start + page * PAGE_SIZE, &frame, &protection) ||
            !(protection & PROTECTION_WRITE))
            return "has no frames";
    return map_fault(span);
}

/* What is wrong with a slot that nobody holds. */
static const char *empty_fault(const struct span *span)
{
    for (size_t word = 0; word < SPAN_WORDS; word++)
        if (span->first[word])
            return "has blocks, yet belongs to nobody";
    return NULL;
}

unsigned heap_check(char *details, size_t capacity)
{
    unsigned violations = 0;

    for (size_t slot = 0; slot < span_arena.made; slot++) {
        const struct span *span = &span_arena.spans[slot];
        const char *fault = span->holder ? span_fault(span) : empty_fault(span);
        if (fault && violations++ == 0)
            text_format(details, capacity, "heap: the span at 0x%lx %s", span_arena.base + slot * SPAN_BYTES, fault);
    }
    for (unsigned i = 0; i < CPU_MAX; i++)
        if (heap_cpus[i].lock.owner && violations++ == 0)
            text_format(details, capacity, "heap: the pools of CPU %u are locked by CPU %u", i,
                        heap_cpus[i].lock.owner - 1);
    uintptr_t large = large_check();
    if (large && violations++ == 0)
        text_format(details, capacity, "heap: the block of whole pages at 0x%lx is not as it is described", large);
    return violations;
}
