/*
 * heap.c - blocks of memory: the occupant of the slot `heap` chooses the place, the core notes the block.
 *
 * Whatever the occupant answers is held against the span's map before it is followed; where it is wrong, or nothing at
 * all, the occupant is reported and the fallback serves the request. A block that is given back is forgotten by the
 * core first, so the policy hears of live blocks alone; of those that a former occupant had chosen nobody hears, and
 * their span returns its frames with the last of them.
 *
 * Entry points: heap_alloc(), heap_free(). Concurrency: one lock for each CPU, O(1) under it but for what the policy
 * does; spans come and go with no lock held.
 */
#include "core/heap.h"
#include "core/fault.h"
#include "core/heap_large.h"
#include "core/heap_private.h"
#include "core/heap_slot.h"
#include "core/panic.h"
#include "core/slot_call.h"
#include "core/spans.h"
#include "core/swap.h"
#include <moult/module.h>
#include <string.h>

#define ASK_TRIES 4 /* spans that one request is got, before the policy is taken to want them for nothing */

struct heap_cpu heap_cpus[CPU_MAX];

void heap_init(void)
{
    spans_init();
    slot_start(SLOT_KIND_HEAP);
}

/* Interrupts are off. */
static inline struct heap_cpu *own_cpu(void)
{
    return &heap_cpus[spin_mark() - 1];
}

static inline uintptr_t ask(const struct heap_cpu *cpu, size_t bytes, size_t alignment)
{
    uintptr_t answer = SLOT_RESULT3(SLOT_KIND_HEAP, heap_ops, allocate, cpu->pool, bytes, alignment, 0);

    slot_returned();
    return answer;
}

/* Notes the block that `holder` has chosen. False: it is none of its spans, or no free place there. */
static inline bool note_block(uint64_t holder, uintptr_t block, size_t bytes, size_t alignment)
{
    uintptr_t inside = block - span_arena.base;

    if (__builtin_expect(inside / SPAN_BYTES >= span_arena.made, 0))
        return false;
    struct span *span = &span_arena.spans[inside / SPAN_BYTES];
    if (__builtin_expect(span->holder != holder || block & (alignment - 1), 0))
        return false;
    return span_note(span, inside % SPAN_BYTES / HEAP_GRAIN, (uint32_t)(bytes / HEAP_GRAIN));
}

static inline bool wants_span(uintptr_t answer)
{
    return answer - 1 < HEAP_SPAN_PAGES_MAX;
}

/* Reports an answer of the occupant that is no block. The lock is held. */
static __attribute__((noinline, cold)) void report(const struct heap_cpu *cpu, uintptr_t answer, size_t bytes,
                                                   size_t alignment)
{
    uintptr_t inside = answer - span_arena.base;
    const char *what = "that is not free";

    if (wants_span(answer)) {
        swap_rescue(SLOT_KIND_HEAP, "it wants a span of %lu pages for %lu bytes, and then another one", answer, bytes);
        return;
    }
    if (!answer) {
        swap_rescue(SLOT_KIND_HEAP, "for %lu bytes it chose nothing", bytes);
        return;
    }
    if (inside / SPAN_BYTES >= span_arena.made || span_arena.spans[inside / SPAN_BYTES].holder != cpu->holder)
        what = "that is in none of its spans";
    else if (answer & (alignment - 1))
        what = "that is not aligned";
    swap_rescue(SLOT_KIND_HEAP, "for %lu bytes it chose a place %s: %#lx", bytes, what, answer);
}

/* What the fallback answers, or the occupant. The lock is held. */
static uintptr_t ask_either(const struct heap_cpu *cpu, bool fallback, size_t bytes, size_t alignment)
{
    return fallback ? (uintptr_t)heap_classes_ops.allocate(cpu->fallback_pool, bytes, alignment)
                    : ask(cpu, bytes, alignment);
}

/* Gives the pool the span that it has just asked for. The lock is held. */
static void lend(const struct heap_cpu *cpu, bool fallback, struct span *span)
{
    span->holder = fallback ? cpu->fallback_holder : cpu->holder;
    if (fallback) {
        heap_classes_ops.add(cpu->fallback_pool, span_for_policy(span));
    } else {
        SLOT_CALL2(SLOT_KIND_HEAP, heap_ops, add, cpu->pool, span_for_policy(span));
        slot_returned();
    }
}

/*
 * One try: asks, and again if it wants the span there is, which is then its own and *fresh NULL. Returns the block, or
 * what is wanted, or 0 where no policy can be asked for more.
 */
static uintptr_t try_once(bool fallback, struct span **fresh, size_t bytes, size_t alignment)
{
    unsigned long flags = arch_interrupts_save();
    struct heap_cpu *cpu = own_cpu();
    bool had_enough = false;

    spin_lock(&cpu->lock);
    uintptr_t answer = ask_either(cpu, fallback, bytes, alignment);
    if (*fresh && answer == (*fresh)->facts.pages) {
        lend(cpu, fallback, *fresh);
        *fresh = NULL;
        had_enough = true;
        answer = ask_either(cpu, fallback, bytes, alignment);
    }
    if (!note_block(fallback ? cpu->fallback_holder : cpu->holder, answer, bytes, alignment) &&
        (had_enough || !wants_span(answer))) {
        ASSERT(!fallback);
        report(cpu, answer, bytes, alignment);
        answer = 0;
    }
    spin_unlock_restore(&cpu->lock, flags);
    return answer;
}

/*
 * A block, with as many spans as that takes. NULL: *failed tells whether that is for want of memory or because the
 * policy cannot do it.
 */
static void *alloc_with_spans(bool fallback, size_t bytes, size_t alignment, bool *failed)
{
    struct span *fresh = NULL;
    uintptr_t answer;

    *failed = false;
    for (unsigned tries = 0; wants_span(answer = try_once(fallback, &fresh, bytes, alignment)); tries++) {
        if (fresh)
            span_give(fresh);
        if (tries == ASK_TRIES) {
            swap_rescue(SLOT_KIND_HEAP, "for %lu bytes it wants spans of ever other sizes", bytes);
            *failed = true;
            return NULL;
        }
        fresh = span_take(answer);
        if (!fresh)
            return NULL;
    }
    if (fresh)
        span_give(fresh);
    *failed = !answer;
    return (void *)answer;
}

/* What is not done at once: the occupant has asked for a span, or failed. */
static __attribute__((noinline)) void *alloc_slowly(size_t bytes, size_t alignment)
{
    bool failed;
    void *block = alloc_with_spans(false, bytes, alignment, &failed);

    return failed ? alloc_with_spans(true, bytes, alignment, &failed) : block;
}

void *heap_alloc_aligned(size_t bytes, size_t alignment)
{
    if (fault_due())
        return NULL;
    if (__builtin_expect(bytes - 1 >= HEAP_BLOCK_MAX || alignment > HEAP_BLOCK_MAX, 0)) /* 0 as well */
        return bytes ? large_alloc(bytes) : NULL;
    bytes = (bytes + HEAP_GRAIN - 1) & -(size_t)HEAP_GRAIN;
    unsigned long flags = arch_interrupts_save();
    struct heap_cpu *cpu = own_cpu();
    spin_lock(&cpu->lock);
    uintptr_t answer = ask(cpu, bytes, alignment);
    bool noted = note_block(cpu->holder, answer, bytes, alignment);
    if (__builtin_expect(!noted && !wants_span(answer), 0))
        report(cpu, answer, bytes, alignment);
    spin_unlock_restore(&cpu->lock, flags);
    return __builtin_expect(noted, 1) ? (void *)answer : alloc_slowly(bytes, alignment);
}

void *heap_alloc(size_t bytes)
{
    return heap_alloc_aligned(bytes, HEAP_GRAIN);
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

static _Noreturn __attribute__((cold)) void refuse(const void *block)
{
    panic("%p was given to the heap as a block, but is none that lives: freed twice, or never allocated", block);
}

/* What cannot be a block of a span's. */
static __attribute__((noinline)) void free_large(void *block)
{
    if (block && !large_free(block))
        refuse(block);
}

/*
 * The end of giving a block back, with the lock held, when the occupant gives the span back as well, or does not hold
 * it: releases the lock.
 */
static __attribute__((noinline)) void leave_span(struct heap_cpu *cpu, struct span *span, void *block, size_t bytes,
                                                 unsigned long flags)
{
    bool gone = !span->facts.live;

    if (span->holder == cpu->holder && !gone)
        swap_rescue(SLOT_KIND_HEAP, "it gave back a span with %u live blocks: %p", span->facts.live,
                    (void *)span->facts.start);
    else if (span->holder == cpu->fallback_holder && span->holder != cpu->holder)
        gone = heap_classes_ops.free(cpu->fallback_pool, span_for_policy(span), block, bytes);
    if (gone)
        span->holder = 0;
    spin_unlock_restore(&cpu->lock, flags);
    if (gone)
        span_give(span);
}

/* Tells the occupant of a block that was its own. True: it gives the span back. The lock is held. */
static inline bool tell_free(const struct heap_cpu *cpu, struct span *span, void *block, size_t bytes)
{
    uint8_t gives = (uint8_t)SLOT_RESULT4(SLOT_KIND_HEAP, heap_ops, free, cpu->pool, span_for_policy(span), block,
                                          bytes);

    slot_returned();
    return gives != 0;
}

void heap_free(void *block)
{
    uintptr_t inside = (uintptr_t)block - span_arena.base;

    if (__builtin_expect(inside / SPAN_BYTES >= span_arena.made || inside % HEAP_GRAIN, 0))
        return free_large(block);
    struct span *span = &span_arena.spans[inside / SPAN_BYTES];
    struct heap_cpu *cpu = &heap_cpus[heap_holder_cpu(span->holder)];
    unsigned long flags = spin_lock_save(&cpu->lock);
    size_t bytes = (size_t)span_forget(span, inside % SPAN_BYTES / HEAP_GRAIN) * HEAP_GRAIN;
    if (__builtin_expect(!bytes, 0))
        refuse(block);
    if (__builtin_expect(span->holder != cpu->holder, 0) || tell_free(cpu, span, block, bytes))
        return leave_span(cpu, span, block, bytes, flags);
    spin_unlock_restore(&cpu->lock, flags);
}
EXPORT_SYMBOL(heap_free);

/* How many bytes a live block has room for. */
static size_t block_bytes(const void *block)
{
    uintptr_t inside = (uintptr_t)block - span_arena.base;
    size_t bytes = 0;

    if (inside / SPAN_BYTES < span_arena.made && inside % HEAP_GRAIN == 0) {
        const struct span *span = &span_arena.spans[inside / SPAN_BYTES];
        struct heap_cpu *cpu = &heap_cpus[heap_holder_cpu(span->holder)];
        unsigned long flags = spin_lock_save(&cpu->lock);
        bytes = (size_t)span_block_grains(span, inside % SPAN_BYTES / HEAP_GRAIN) * HEAP_GRAIN;
        spin_unlock_restore(&cpu->lock, flags);
    } else {
        bytes = large_bytes(block);
    }
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
