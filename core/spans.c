/*
 * spans.c - the heap's arena: which of its slots are in use, the frames in them, and the map of the blocks there.
 *
 * Entry points: span_take(), span_give(), span_note(), span_forget(). Concurrency: the arena's lock for the list of
 * empty slots and for new descriptions; frames come and go without it; a span's map under the lock of its holder.
 */
#include "core/spans.h"
#include "core/frames.h"
#include "core/panic.h"
#include "core/vm.h"
#include <string.h>

#define DESCRIPTION_PAGES (SPANS_MAX * sizeof(struct span) / PAGE_SIZE)

struct span_arena span_arena;

void spans_init(void)
{
    span_arena.spans = vm_reserve(VM_GENERAL, DESCRIPTION_PAGES, PAGE_SIZE);
    span_arena.base = (uintptr_t)vm_reserve(VM_GENERAL, SPANS_MAX * SPAN_BYTES / PAGE_SIZE, SPAN_BYTES);
    if (!span_arena.spans || !span_arena.base)
        panic("there are no addresses for the heap; give the machine more memory");
}

/*
 * Maps the next page of descriptions. The arena's lock is held: page tables and frames come after it in the order of
 * locks.
 */
static bool add_descriptions(void)
{
    physical_address frame = frames_alloc_zeroed();

    if (!frame)
        return false;
    if (arch_map((uintptr_t)(span_arena.spans + span_arena.made), frame, PROTECTION_WRITE)) {
        frames_free(frame);
        return false;
    }
    return true;
}

/* A slot where nothing is mapped. NULL: none, or no memory to describe it. */
static struct span *take_slot(void)
{
    unsigned long flags = spin_lock_save(&span_arena.lock);
    struct span *span = LIST_FIRST(&span_arena.empty);

    if (span) {
        LIST_REMOVE(span, link);
    } else if (span_arena.made < SPANS_MAX) {
        bool new_page = span_arena.made % (PAGE_SIZE / sizeof *span) == 0;
        if (!new_page || add_descriptions()) {
            span = span_arena.spans + span_arena.made;
            span->facts.start = (uint8_t *)span_arena.base + span_arena.made * SPAN_BYTES;
            span_arena.made++;
        }
    }
    spin_unlock_restore(&span_arena.lock, flags);
    return span;
}

static void give_slot(struct span *span)
{
    unsigned long flags = spin_lock_save(&span_arena.lock);

    LIST_INSERT_HEAD(&span_arena.empty, span, link);
    spin_unlock_restore(&span_arena.lock, flags);
}

struct span *span_take(size_t pages)
{
    struct span *span = take_slot();

    if (!span)
        return NULL;
    if (vm_populate(span->facts.start, pages, PROTECTION_WRITE)) {
        give_slot(span);
        return NULL;
    }
    span->facts.pages = (uint32_t)pages;
    memset(span->facts.used, 0, pages * PAGE_WORDS * sizeof(uint64_t));
    memset(span->facts.used + pages * PAGE_WORDS, 0xff, (SPAN_WORDS - pages * PAGE_WORDS) * sizeof(uint64_t));
    return span;
}

void span_give(struct span *span)
{
    vm_depopulate(span->facts.start, span->facts.pages);
    give_slot(span);
}

/* The bits, in one word of the map, of the grains from `grain` to `end`, which is not included. */
static uint64_t bits_in(uint32_t word, uint32_t grain, uint32_t end)
{
    uint32_t low = word * 64 > grain ? 0 : grain - word * 64, high = end - word * 64;

    return (high < 64 ? (1ul << high) - 1 : ~0ul) & ~0ul << low;
}

bool span_note_words(struct span *span, uint32_t grain, uint32_t count)
{
    uint32_t end = grain + count, last = (end - 1) / 64;

    if (last >= SPAN_WORDS)
        return false;
    for (uint32_t word = grain / 64; word <= last; word++)
        if (span->facts.used[word] & bits_in(word, grain, end))
            return false;
    for (uint32_t word = grain / 64; word <= last; word++)
        span->facts.used[word] |= bits_in(word, grain, end);
    span->first[grain / 64] |= 1ul << grain % 64;
    span->facts.live++;
    return true;
}

uint32_t span_block_grains(const struct span *span, uint32_t grain)
{
    uint32_t end = grain + 1, limit = span->facts.pages * PAGE_WORDS * 64;

    if (grain >= limit || !(span->first[grain / 64] >> grain % 64 & 1))
        return 0;
    while (end < limit) {
        uint64_t ends = (~span->facts.used[end / 64] | span->first[end / 64]) >> end % 64;
        if (ends)
            return end + (uint32_t)__builtin_ctzl(ends) - grain;
        end = (end | 63) + 1;
    }
    return limit - grain;
}

uint32_t span_forget_words(struct span *span, uint32_t grain)
{
    uint32_t count = span_block_grains(span, grain), end = grain + count;

    for (uint32_t word = grain / 64; word <= (end - 1) / 64; word++)
        span->facts.used[word] &= ~bits_in(word, grain, end);
    span->first[grain / 64] &= ~(1ul << grain % 64);
    span->facts.live--;
    return count;
}
