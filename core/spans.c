/*
 * spans.c - the heap's arena: which of its slots are in use, and the frames in them.
 *
 * Entry points: span_take(), span_give(). Concurrency: the arena's lock for the list of empty slots and for new
 * descriptions; frames come and go without it.
 */
#include "core/spans.h"
#include "core/frames.h"
#include "core/panic.h"
#include "core/vm.h"

#define DESCRIPTION_PAGES (SPANS_MAX * sizeof(struct span) / PAGE_SIZE)

struct span_arena span_arena;
struct heap_class heap_no_class;

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
            span->class = &heap_no_class;
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

struct span *span_take(struct heap_class *class)
{
    struct span *span = take_slot();

    if (!span)
        return NULL;
    if (vm_populate((void *)span_start(span), class->pages, PROTECTION_WRITE)) {
        give_slot(span);
        return NULL;
    }
    for (unsigned word = 0; word < SPAN_WORDS; word++) {
        unsigned first = word * 64, count = class->capacity > first ? class->capacity - first : 0;
        span->free[word] = count >= 64 ? ~0ul : (1ul << count) - 1;
    }
    span->live = 0;
    span->class = class;
    span_choose_word(span, 0);
    return span;
}

void span_give(struct span *span, size_t pages)
{
    vm_depopulate((void *)span_start(span), pages);
    give_slot(span);
}
