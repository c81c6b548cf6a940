/*
 * spans.h - the spans that small blocks are cut from, and the map of the blocks in them: within core/heap*.c and
 * core/spans.c alone.
 *
 * The heap's arena is one reserved range of addresses, in slots of SPAN_BYTES. A span stands at the start of a slot,
 * with as many pages mapped as the policy wanted, and is described apart from them, where no overrun of a block
 * reaches. The description has two bits for each grain: it is used, and a block begins there; so it tells of any
 * address whether it is a live block and how large, whoever chose the place.
 */
#ifndef CORE_SPANS_H
#define CORE_SPANS_H

#include "core/lock.h"
#include <arch/memory.h>
#include <moult/heap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define SPAN_BYTES (HEAP_SPAN_PAGES_MAX * PAGE_SIZE)
#define SPAN_WORDS (HEAP_SPAN_GRAINS / 64)
#define PAGE_WORDS (PAGE_SIZE / HEAP_GRAIN / 64) /* of the map, for one page */
#define SPANS_MAX (1ul << 22)

/*
 * Under the lock of the CPU that its holder names (core/heap_private.h), while it has one. The used grains behind the
 * span's end are those of no block: so nothing can be put there.
 */
struct span {
    struct heap_facts facts;
    uint64_t first[SPAN_WORDS]; /* bit n: a block begins with grain n */
    uint64_t holder;            /* whose it is: heap_holder(); 0: nothing is mapped here */
    LIST_ENTRY(span) link;      /* without a holder: the empty slots */
    uint8_t policy[HEAP_SPAN_BYTES] __attribute__((aligned(64))); /* the policy's struct heap_span */
} __attribute__((aligned(HEAP_DESCRIPTION_BYTES)));

_Static_assert(sizeof(struct span) == HEAP_DESCRIPTION_BYTES, "a span's description is found by a shift");
_Static_assert(PAGE_SIZE == HEAP_PAGE, "policies count in the machine's pages");

LIST_HEAD(span_list, span);

/* Under the arena's own lock; `base` and `spans` are constant after spans_init(), `made` only grows. */
struct span_arena {
    uintptr_t base;
    struct span *spans; /* the descriptions by slot, of which `made` are there */
    size_t made;
    struct spinlock lock;
    struct span_list empty; /* slots where nothing is mapped */
};

extern struct span_arena span_arena;

static inline struct heap_span *span_for_policy(struct span *span)
{
    return (struct heap_span *)span->policy;
}

/* Reserves the arena. Boot: panics without memory. */
void spans_init(void);

/*
 * A span of so many pages, mapped, without a block, without a holder, in no list; NULL: no memory. Thread context, no
 * lock held.
 */
struct span *span_take(size_t pages);

/* Gives back a span without a block or a holder. Thread context, interrupts on, no lock held. */
void span_give(struct span *span);

/* What span_note() and span_forget() do when a block is in more than one word. */
bool span_note_words(struct span *span, uint32_t grain, uint32_t count);
uint32_t span_forget_words(struct span *span, uint32_t grain);

/*
 * Notes a block of `count` grains (at least 1) that begins with `grain`, inside of the slot. False, and nothing is
 * done: it would touch another block or leave the span. The span's lock is held.
 */
static inline bool span_note(struct span *span, uint32_t grain, uint32_t count)
{
    uint32_t word = grain / 64, shift = grain % 64;

    if (__builtin_expect(shift + count > 64, 0))
        return span_note_words(span, grain, count);
    uint64_t bits = ~0ul >> (64 - count) << shift;
    if (__builtin_expect((span->facts.used[word] & bits) != 0, 0))
        return false;
    span->facts.used[word] |= bits;
    span->first[word] |= 1ul << shift;
    span->facts.live++;
    return true;
}

/* Forgets the block that begins with `grain`. Returns how many grains it had; 0: there is none. The lock is held. */
static inline uint32_t span_forget(struct span *span, uint32_t grain)
{
    uint32_t word = grain / 64, shift = grain % 64;
    uint64_t first = span->first[word], rest = (span->facts.used[word] & ~first) >> shift >> 1;

    if (__builtin_expect(!(first >> shift & 1), 0))
        return 0;
    uint32_t count = 1 + (uint32_t)__builtin_ctzl(~rest); /* the topmost bit of `rest` is clear */
    if (__builtin_expect(shift + count == 64, 0))
        return span_forget_words(span, grain);
    span->facts.used[word] &= ~(~0ul >> (64 - count) << shift);
    span->first[word] = first & ~(1ul << shift);
    span->facts.live--;
    return count;
}

/* How many grains the block has that begins with `grain`; 0: there is none. The lock is held. */
uint32_t span_block_grains(const struct span *span, uint32_t grain);

#endif
