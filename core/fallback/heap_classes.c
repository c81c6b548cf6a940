/*
 * heap_classes.c - the built-in fallback of the `heap` slot: blocks in classes of sizes, a span for blocks of one
 * class.
 *
 * A span's free blocks are bits in the policy's part of its description: what is written to a block after it was
 * given back does no harm here. An empty span is given back, but for one of each class, so that a loop that takes and
 * frees one block does not map and unmap as well.
 *
 * Entry point: heap_classes_ops. Context and locks: as in moult/heap.h. All functions are O(1).
 */
#include <moult/heap.h>
#include <sys/queue.h>

#define CLASSES 14
#define WORDS (HEAP_SPAN_GRAINS / 64)

/* A size is an odd number shifted to the left, and those two are what block_number() divides by. */
struct class
{
    uint32_t inverse;  /* of the odd number, modulo 2^32 */
    uint16_t size;     /* bytes of a block */
    uint16_t capacity; /* blocks of a span */
    uint8_t shift;
    uint8_t pages; /* of a span, so many that no rest is left */
};

#define CLASS(odd, shift_, pages_, inverse_)                                                                    \
    {                                                                                                           \
        .inverse = (inverse_), .size = (odd) << (shift_), .capacity = (pages_)*HEAP_PAGE / ((odd) << (shift_)), \
        .shift = (shift_), .pages = (pages_)                                                                    \
    }
#define INVERSE_OF_3 0xaaaaaaabu

static const struct class classes[CLASSES] = {
    CLASS(1, 4, 4, 1),
    CLASS(1, 5, 4, 1),
    CLASS(3, 4, 3, INVERSE_OF_3),
    CLASS(1, 6, 4, 1),
    CLASS(3, 5, 3, INVERSE_OF_3),
    CLASS(1, 7, 4, 1),
    CLASS(3, 6, 3, INVERSE_OF_3),
    CLASS(1, 8, 4, 1),
    CLASS(3, 7, 3, INVERSE_OF_3),
    CLASS(1, 9, 4, 1),
    CLASS(3, 8, 3, INVERSE_OF_3),
    CLASS(1, 10, 4, 1),
    CLASS(3, 9, 3, INVERSE_OF_3),
    CLASS(1, 11, 4, 1),
};

struct heap_span {
    LIST_ENTRY(heap_span) link; /* while it has a free block: the class's partial spans */
    uint64_t free[WORDS];       /* bit n: block n is free */
    uint8_t *word_start;        /* where the blocks of `word` begin */
    uint16_t taken;             /* blocks that are not free */
    uint8_t word;               /* of `free`: one that has a free block, unless the span is full */
    uint8_t class;
};

LIST_HEAD(heap_spans, heap_span);

struct heap_pool {
    struct heap_spans partial[CLASSES];
    struct heap_span *spare[CLASSES]; /* if it is empty: the one empty span that is kept */
    unsigned wanted;                  /* the class that a span is wanted for */
};

_Static_assert(sizeof(struct heap_pool) <= HEAP_POOL_BYTES && sizeof(struct heap_span) <= HEAP_SPAN_BYTES, "fits");

static void classes_pool_init(struct heap_pool *pool, unsigned cpu)
{
    (void)cpu;
    for (unsigned i = 0; i < CLASSES; i++)
        LIST_INIT(&pool->partial[i]);
}

/* The class of (bytes - 1) / HEAP_GRAIN. */
static const uint8_t class_by_grains[HEAP_BLOCK_MAX / HEAP_GRAIN] = {
    [0] = 0,          [1] = 1,          [2] = 2,          [3] = 3,           [4 ... 5] = 4,
    [6 ... 7] = 5,    [8 ... 11] = 6,   [12 ... 15] = 7,  [16 ... 23] = 8,   [24 ... 31] = 9,
    [32 ... 47] = 10, [48 ... 63] = 11, [64 ... 95] = 12, [96 ... 127] = 13,
};

static inline void choose_word(struct heap_span *span, unsigned word)
{
    span->word = (uint8_t)word;
    span->word_start = heap_facts(span)->start + (size_t)word * 64 * classes[span->class].size;
}

/*
 * The span has no more in the word that its last block came from: finds another, or takes the span off the list as
 * full. Apart, so that the common way needs no registers for it.
 */
static __attribute__((noinline)) void leave_word(struct heap_span *span)
{
    unsigned word = 0;

    while (word < WORDS && !span->free[word])
        word++;
    if (word < WORDS)
        choose_word(span, word);
    else
        LIST_REMOVE(span, link);
}

static void *classes_allocate(struct heap_pool *pool, size_t bytes, size_t alignment)
{
    if (alignment > HEAP_GRAIN) { /* blocks of a power of two are aligned to it */
        size_t most = bytes > alignment ? bytes : alignment;
        bytes = 1ul << (64 - __builtin_clzl(most - 1));
    }
    unsigned class = class_by_grains[(bytes - 1) / HEAP_GRAIN];
    struct heap_span *span = LIST_FIRST(&pool->partial[class]);
    if (__builtin_expect(!span, 0)) {
        pool->wanted = class;
        return HEAP_WANTS_PAGES(classes[class].pages);
    }
    uint64_t bits = span->free[span->word];
    void *block = span->word_start + (uint32_t)__builtin_ctzl(bits) * classes[class].size;
    bits &= bits - 1;
    span->free[span->word] = bits;
    span->taken++;
    if (__builtin_expect(!bits, 0))
        leave_word(span);
    return block;
}

static void classes_add(struct heap_pool *pool, struct heap_span *span)
{
    unsigned capacity = classes[pool->wanted].capacity;

    for (unsigned word = 0; word < WORDS; word++) {
        unsigned first = word * 64, count = capacity > first ? capacity - first : 0;
        span->free[word] = count >= 64 ? ~0ul : (1ul << count) - 1;
    }
    span->taken = 0;
    span->class = (uint8_t)pool->wanted;
    choose_word(span, 0);
    LIST_INSERT_HEAD(&pool->partial[pool->wanted], span, link);
}

/*
 * The number of the block that begins at an offset in its span. A division that leaves no rest is a multiplication with
 * the inverse of the odd factor and a shift by the even one (H. S. Warren, Hacker's Delight, 10-16).
 */
static inline uint32_t block_number(const struct class *class, uint32_t inside)
{
    return (inside >> class->shift) * class->inverse;
}

/*
 * The end of giving a block back, when its word was all taken or its span is empty now. A span that was full is listed
 * again; one that is empty goes, unless it is the one spare.
 */
static __attribute__((noinline)) bool relist(struct heap_pool *pool, struct heap_span *span, unsigned word)
{
    unsigned class = span->class;
    const struct heap_span *spare = pool->spare[class];
    bool gone = !span->taken && spare && spare != span && !spare->taken;

    if (span->taken == classes[class].capacity - 1u) {
        LIST_INSERT_HEAD(&pool->partial[class], span, link);
        choose_word(span, word);
    }
    if (gone)
        LIST_REMOVE(span, link);
    else if (!span->taken)
        pool->spare[class] = span;
    return gone;
}

static bool classes_free(struct heap_pool *pool, struct heap_span *span, void *block, size_t bytes)
{
    (void)bytes;
    uint32_t number = block_number(&classes[span->class], (uint32_t)((uint8_t *)block - heap_facts(span)->start));
    uint64_t bits = span->free[number / 64];
    span->free[number / 64] = bits | 1ul << number % 64;
    if (__builtin_expect(--span->taken == 0 || !bits, 0))
        return relist(pool, span, number / 64);
    return false;
}

const struct heap_ops heap_classes_ops = {
    .pool_bytes = sizeof(struct heap_pool),
    .span_bytes = sizeof(struct heap_span),
    .pool_init = classes_pool_init,
    .allocate = classes_allocate,
    .add = classes_add,
    .free = classes_free,
};
