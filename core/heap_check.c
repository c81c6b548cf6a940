/*
 * heap_check.c - counting what the heap holds, and verifying it.
 *
 * Entry points: heap_count(), exact while nobody else uses the heap; heap_check(), with all CPUs held, which takes no
 * lock.
 */
#include "core/heap.h"
#include "core/heap_large.h"
#include "core/spans.h"
#include <moult/text.h>
#include <stdbool.h>

void heap_count(struct heap_count *count)
{
    size_t made = span_arena.made;

    *count = (struct heap_count){.pages = (made * sizeof(struct span) + PAGE_MASK) / PAGE_SIZE};
    for (size_t slot = 0; slot < made; slot++) {
        const struct span *span = &span_arena.spans[slot];
        const struct heap_class *class = span->class;
        if (class == &heap_no_class)
            continue;
        count->blocks += span->live;
        count->bytes += (uint64_t)span->live * class->size;
        count->spans++;
        count->pages += class->pages;
    }
    large_count(count);
}

/* What is wrong with a span that has a class; NULL: nothing. */
static const char *span_fault(const struct span *span)
{
    const struct heap_class *class = span->class;
    unsigned free = 0;
    physical_address frame;
    unsigned protection;

    if (class < heap_classes || class >= heap_classes + HEAP_CLASSES)
        return "has no class of the heap's";
    for (unsigned word = 0; word < SPAN_WORDS; word++) {
        unsigned first = word * 64, count = class->capacity > first ? class->capacity - first : 0;
        if (count < 64 && span->free[word] >> count)
            return "has free blocks beyond its end";
        for (uint64_t left = span->free[word]; left; left &= left - 1)
            free++;
    }
    if (free + span->live != class->capacity)
        return "counts its live blocks wrongly";
    if (free && (span->word >= SPAN_WORDS || !span->free[span->word]))
        return "has free blocks, but not where the next is looked for";
    if (!arch_translate(span_start(span), &frame, &protection) || !(protection & PROTECTION_WRITE))
        return "has no frames";
    return NULL;
}

/* How many spans of a class are on its list; one that does not belong there is `wrong`. */
static size_t listed_spans(const struct heap_class *class, const struct span **wrong)
{
    const struct span *span;
    size_t count = 0;

    LIST_FOREACH(span, &class->partial, link) {
        if (span->class != class || span->live >= class->capacity || ++count > span_arena.made) {
            *wrong = span;
            break;
        }
    }
    return count;
}

/* The class's list holds exactly the spans that have a free block, and so does the count of them. */
static unsigned check_list(const struct heap_class *class, size_t partial, char *details, size_t capacity)
{
    const struct span *wrong = NULL;
    size_t listed = listed_spans(class, &wrong);

    if (!wrong && listed == partial)
        return 0;
    if (wrong)
        text_format(details, capacity, "heap: the list of spans for %u bytes holds one that does not belong there: %p",
                    class->size, (const void *)wrong);
    else
        text_format(details, capacity, "heap: %lu spans for %u bytes have free blocks, %lu are on the list", partial,
                    class->size, listed);
    return 1;
}

unsigned heap_check(char *details, size_t capacity)
{
    size_t partial[HEAP_CLASSES] = {0};
    unsigned violations = 0;

    for (size_t slot = 0; slot < span_arena.made; slot++) {
        const struct span *span = &span_arena.spans[slot];
        bool used = span->class != &heap_no_class;
        const char *fault = used ? span_fault(span) : NULL;
        if (fault && violations++ == 0)
            text_format(details, capacity, "heap: the span at 0x%lx %s", span_start(span), fault);
        if (used && !fault && span->live < span->class->capacity)
            partial[span->class - heap_classes]++;
    }
    for (size_t i = 0; i < HEAP_CLASSES && violations == 0; i++)
        violations += check_list(&heap_classes[i], partial[i], details, capacity);
    uintptr_t large = large_check();
    if (large && violations++ == 0)
        text_format(details, capacity, "heap: the block of whole pages at 0x%lx is not as it is described", large);
    return violations;
}
