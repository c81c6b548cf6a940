/*
 * spans.h - the spans that small blocks are cut from: within core/heap*.c and core/spans.c alone.
 *
 * The heap's arena is one reserved range of addresses, in slots of SPAN_BYTES. A span stands at the start of a slot,
 * with as many pages mapped as its blocks fill without a rest, and is described apart from them, where no overrun of a
 * block reaches.
 */
#ifndef CORE_SPANS_H
#define CORE_SPANS_H

#include "core/lock.h"
#include <arch/memory.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define SPAN_BYTES (4 * PAGE_SIZE)
#define SPAN_BLOCKS_MAX 256
#define SPAN_WORDS (SPAN_BLOCKS_MAX / 64)
#define SPANS_MAX (1ul << 22)
#define HEAP_CLASSES 14
#define HEAP_GRAIN 16       /* bytes: all blocks' sizes and addresses are multiples */
#define HEAP_SMALL_MAX 2048 /* bytes; what is larger has pages of its own */

struct heap_class;

/* Under the lock of its class, while it has one. */
struct span {
    LIST_ENTRY(span) link;     /* its class's partial spans; without a class: the empty slots */
    uint64_t free[SPAN_WORDS]; /* bit n: block n is free */
    struct heap_class *class;  /* heap_no_class: nothing is mapped here */
    uint32_t word_start;       /* where the blocks of `word` begin: in grains from the arena's start */
    uint16_t live;             /* blocks that are not free */
    uint8_t word;              /* of `free`: one that has a free block, unless the span is full */
};

_Static_assert(sizeof(struct span) == 64, "a span's description is found by a shift");

LIST_HEAD(span_list, span);

/*
 * All blocks of one size. What the lock guards stands behind it; the rest is constant after heap_init(). A size is an
 * odd number shifted to the left, and those two are what block_number() divides by.
 */
struct heap_class {
    uint32_t size;     /* bytes of a block */
    uint32_t inverse;  /* of the odd number, modulo 2^32 */
    uint16_t capacity; /* blocks of a span */
    uint8_t shift;
    uint8_t pages; /* of a span */
    struct spinlock lock;
    struct span_list partial; /* spans with a free block */
    struct span *spare;       /* if it is empty: the one empty span that keeps its frames */
} __attribute__((aligned(64)));

extern struct heap_class heap_classes[HEAP_CLASSES];

/* The class of spans that are none: it has no block, so that no address is one of its blocks. */
extern struct heap_class heap_no_class;

/* Under the arena's own lock; `base` and `spans` are constant after spans_init(), `made` only grows. */
struct span_arena {
    uintptr_t base;
    struct span *spans; /* the descriptions by slot, of which `made` are there */
    size_t made;
    struct spinlock lock;
    struct span_list empty; /* slots where nothing is mapped */
};

extern struct span_arena span_arena;

static inline uintptr_t span_start(const struct span *span)
{
    return span_arena.base + (size_t)(span - span_arena.spans) * SPAN_BYTES;
}

/* Looks for free blocks in a word that has some. The class's lock is held, or the span is nobody else's. */
static inline void span_choose_word(struct span *span, unsigned word)
{
    span->word = (uint8_t)word;
    span->word_start = (uint32_t)((span_start(span) - span_arena.base + word * 64 * span->class->size) / HEAP_GRAIN);
}

/* Reserves the arena. Boot: panics without memory. */
void spans_init(void);

/* A span with all its blocks free, its frames mapped, in no list; NULL: no memory. Thread context, no lock held. */
struct span *span_take(struct heap_class *class);

/*
 * Gives back an empty span that is in no list and has heap_no_class by now. Thread context, interrupts on, no lock
 * held.
 */
void span_give(struct span *span, size_t pages);

#endif
