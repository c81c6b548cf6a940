/*
 * heap_holes.h - for heaps that look for room in the core's map of a span: where holes (runs of grains that are in no
 * live block) begin and end.
 *
 * What the policy has just chosen is not in the map yet, and what was just freed is no longer in it; so two holes that
 * come to touch are one without anybody's doing. All functions are O(1): a map has HEAP_SPAN_GRAINS / 64 words, and a
 * span's end counts as used.
 */
#ifndef MOULT_HEAP_HOLES_H
#define MOULT_HEAP_HOLES_H

#include <moult/heap.h>

/* The first grain at or after `grain` that is used, or else free; HEAP_SPAN_GRAINS: there is none. */
static inline uint32_t heap_next_grain(const struct heap_facts *facts, uint32_t grain, bool used)
{
    while (grain < HEAP_SPAN_GRAINS) {
        uint64_t word = facts->used[grain / 64], bits = (used ? word : ~word) >> grain % 64;

        if (bits)
            return grain + (uint32_t)__builtin_ctzl(bits);
        grain = (grain | 63) + 1;
    }
    return HEAP_SPAN_GRAINS;
}

/* One more than the last used grain before `grain`; 0: there is none. */
static inline uint32_t heap_hole_start(const struct heap_facts *facts, uint32_t grain)
{
    uint32_t word = grain / 64;
    uint64_t bits = grain % 64 ? facts->used[word] & ((1ul << grain % 64) - 1) : 0;

    while (!bits && word > 0)
        bits = facts->used[--word];
    return bits ? word * 64 + 64 - (uint32_t)__builtin_clzl(bits) : 0;
}

/* The first grain at or after `grain`, in a span that begins at a multiple of `alignment`, that is aligned. */
static inline uint32_t heap_aligned_grain(uint32_t grain, size_t alignment)
{
    uint32_t grains = (uint32_t)(alignment / HEAP_GRAIN);

    return (grain + grains - 1) & -grains;
}

#endif
