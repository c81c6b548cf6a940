/*
 * heap.c - blocks of memory: which class a size belongs to, taking a block and giving it back.
 *
 * A small block is a bit in the map of its span, so that what is freed is known to be a live block, to the byte. An
 * empty span gives its frames back, but for one of each class, so that a loop that takes and frees one block does not
 * map and unmap as well.
 *
 * Entry points: heap_alloc(), heap_free(). Concurrency: one lock for each class, O(1) under it; spans come and go with
 * no lock held.
 */
#include "core/heap.h"
#include "core/heap_large.h"
#include "core/panic.h"
#include "core/spans.h"
#include <moult/module.h>
#include <string.h>

struct heap_class heap_classes[HEAP_CLASSES];

/* The class of (bytes - 1) / HEAP_GRAIN. */
static struct heap_class *class_by_grains[HEAP_SMALL_MAX / HEAP_GRAIN];

/* Pages that hold blocks of a size without a rest, in a slot and with SPAN_BLOCKS_MAX blocks at most. */
static size_t span_pages(size_t size)
{
    size_t pages = SPAN_BYTES / PAGE_SIZE;

    while (pages * PAGE_SIZE % size || pages * PAGE_SIZE / size > SPAN_BLOCKS_MAX)
        pages--;
    return pages;
}

/*
 * The number that gives 1 when multiplied with an odd one, modulo 2^32: each step of Newton's doubles the bits that are
 * right.
 */
static uint32_t inverse(uint32_t odd)
{
    uint32_t result = odd; /* right in 3 bits */

    for (unsigned bits = 3; bits < 32; bits *= 2)
        result *= 2 - odd * result;
    return result;
}

void heap_init(void)
{
    static const uint16_t sizes[HEAP_CLASSES] = {16,  32,  48,  64,  96,   128,  192,
                                                 256, 384, 512, 768, 1024, 1536, HEAP_SMALL_MAX};
    size_t grains = 0;

    for (size_t i = 0; i < HEAP_CLASSES; i++) {
        struct heap_class *class = &heap_classes[i];
        class->size = sizes[i];
        class->shift = (uint8_t)__builtin_ctz(sizes[i]);
        class->inverse = inverse(sizes[i] >> class->shift);
        class->pages = (uint8_t)span_pages(sizes[i]);
        class->capacity = (uint16_t)(class->pages * PAGE_SIZE / sizes[i]);
        while (grains < sizes[i] / HEAP_GRAIN)
            class_by_grains[grains++] = class;
    }
    spans_init();
}

/*
 * The end of taking a block, when the span has no more in the word that it came from: finds another, or takes the span
 * off the list as full. Apart, so that the common way needs no registers for it.
 */
static __attribute__((noinline)) void *leave_word(struct span *span, void *block, unsigned long flags)
{
    unsigned word = 0;

    while (word < SPAN_WORDS && !span->free[word])
        word++;
    if (word < SPAN_WORDS)
        span_choose_word(span, word);
    else
        LIST_REMOVE(span, link);
    spin_unlock_restore(&span->class->lock, flags);
    return block;
}

/* Takes a block of a span that has one, and releases the class's lock. */
static inline void *take_block(struct heap_class *class, struct span *span, unsigned long flags)
{
    unsigned word = span->word;
    uint64_t bits = span->free[word];
    uintptr_t start = span_arena.base + (uintptr_t)span->word_start * HEAP_GRAIN;
    void *block = (void *)(start + (uint32_t)__builtin_ctzl(bits) * class->size);

    bits &= bits - 1;
    span->free[word] = bits;
    span->live++;
    if (__builtin_expect(!bits, 0))
        return leave_word(span, block, flags);
    spin_unlock_restore(&class->lock, flags);
    return block;
}

/* A block of a class that has none, whose lock is held: releases it. */
static __attribute__((noinline)) void *take_from_new_span(struct heap_class *class, unsigned long flags)
{
    spin_unlock_restore(&class->lock, flags);
    struct span *span = span_take(class);
    if (!span)
        return NULL;
    flags = spin_lock_save(&class->lock);
    LIST_INSERT_HEAD(&class->partial, span, link);
    return take_block(class, span, flags);
}

void *heap_alloc(size_t bytes)
{
    if (__builtin_expect(bytes - 1 >= HEAP_SMALL_MAX, 0)) /* 0 as well */
        return bytes ? large_alloc(bytes) : NULL;
    struct heap_class *class = class_by_grains[(bytes - 1) / HEAP_GRAIN];
    unsigned long flags = spin_lock_save(&class->lock);
    struct span *span = LIST_FIRST(&class->partial);
    if (__builtin_expect(!span, 0))
        return take_from_new_span(class, flags);
    return take_block(class, span, flags);
}
EXPORT_SYMBOL(heap_alloc);

void *heap_alloc_zeroed(size_t count, size_t bytes)
{
    size_t total;

    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    void *block = heap_alloc(total);
    return block ? memset(block, 0, total) : NULL;
}

/*
 * The number of the block that begins at an offset in its span. A division that leaves no rest is a multiplication with
 * the inverse of the odd factor and a rotation by the even one; with a rest, the result is greater than any number of a
 * block (H. S. Warren, Hacker's Delight, 10-17). So one comparison with the capacity tells what is a block.
 */
static inline uint32_t block_number(const struct heap_class *class, uint32_t inside)
{
    uint32_t product = inside * class->inverse;

    return product >> class->shift | product << (-class->shift & 31);
}

static _Noreturn __attribute__((cold)) void refuse(const void *block)
{
    panic("%p was given to the heap as a block, but is none that lives: freed twice, or never allocated", block);
}

/*
 * The end of giving a block back, with the lock held, when its word was all taken or its span is empty now: releases
 * the lock. A span that was full is listed again; one that is empty goes, unless it is the one spare.
 */
static __attribute__((noinline)) void relist(struct span *span, unsigned word, unsigned long flags)
{
    struct heap_class *class = span->class;
    const struct span *spare = class->spare;
    bool gone = !span->live && spare && spare != span && !spare->live;

    if (span->live == class->capacity - 1u) {
        LIST_INSERT_HEAD(&class->partial, span, link);
        span_choose_word(span, word);
    }
    if (gone) {
        LIST_REMOVE(span, link);
        span->class = &heap_no_class;
    } else if (!span->live) {
        class->spare = span;
    }
    spin_unlock_restore(&class->lock, flags);
    if (gone)
        span_give(span, class->pages);
}

/* A block that does not lie in the arena. */
static __attribute__((noinline)) void free_large(void *block)
{
    if (block && !large_free(block))
        refuse(block);
}

void heap_free(void *block)
{
    uintptr_t inside_arena = (uintptr_t)block - span_arena.base;

    if (__builtin_expect(inside_arena / SPAN_BYTES >= span_arena.made, 0))
        return free_large(block);
    struct span *span = &span_arena.spans[inside_arena / SPAN_BYTES];
    struct heap_class *class = span->class;
    unsigned long flags = spin_lock_save(&class->lock);
    uint32_t number = block_number(class, (uint32_t)(uintptr_t)block % SPAN_BYTES);
    if (__builtin_expect(number >= class->capacity, 0))
        refuse(block);
    uint64_t bit = 1ul << number % 64, bits = span->free[number / 64];
    if (__builtin_expect((bits & bit) != 0, 0))
        refuse(block);
    span->free[number / 64] = bits | bit;
    if (__builtin_expect(--span->live == 0 || !bits, 0))
        return relist(span, number / 64, flags);
    spin_unlock_restore(&class->lock, flags);
}
EXPORT_SYMBOL(heap_free);

/* How many bytes a live block has room for. */
static size_t block_bytes(const void *block)
{
    size_t slot = ((uintptr_t)block - span_arena.base) / SPAN_BYTES;
    size_t bytes = slot < span_arena.made ? span_arena.spans[slot].class->size : large_bytes(block);

    if (!bytes)
        refuse(block);
    return bytes;
}

void *heap_resize(void *block, size_t bytes)
{
    if (!block)
        return heap_alloc(bytes);
    size_t old = block_bytes(block);
    if (bytes <= old && bytes > old / 4) /* a little room is left to grow into, more is given back */
        return block;
    void *moved = heap_alloc(bytes);
    if (!moved)
        return NULL;
    memcpy(moved, block, bytes < old ? bytes : old);
    heap_free(block);
    return moved;
}
