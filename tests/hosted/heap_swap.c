/* sources: core/fault.c core/heap.c core/heap_large.c core/heap_check.c core/heap_slot.c core/spans.c
 * core/fallback/heap_classes.c modules/heap/slab.c modules/heap/firstfit.c modules/heap/tlsf.c core/vm.c
 * core/ranges.c core/frames.c core/frames_check.c core/lock.c core/text.c core/errors.c tests/hosted/heap/occupant.c
 * tests/hosted/machine/machine.c tests/hosted/machine/cpu.c tests/hosted/machine/slots.c */
/*
 * heap_swap.c - heaps that replace each other while blocks of all of them are live, and heaps that break the contract.
 *
 * Every live block is in a model, with what is in it and who was the occupant when it was taken.
 */
#include "core/frames.h"
#include "core/heap.h"
#include "core/spans.h"
#include "core/vm.h"
#include "heap/occupant.h"
#include "machine/cpu.h"
#include "machine/machine.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 16384
#define LIVE 4000
#define SHARES 16

/* A block of the model. */
struct live {
    unsigned char *block;
    size_t bytes;
    unsigned char fill;
    unsigned swap; /* the number of swaps before it was taken */
};

static struct live live[LIVE];
static size_t count;
static unsigned swaps;

static void swap_to(unsigned heap)
{
    assert_true(occupy(heaps[heap].name, heaps[heap].ops));
    swaps++;
}

static void take(size_t bytes, size_t alignment)
{
    struct live new = {.bytes = bytes, .fill = (unsigned char)rand(), .swap = swaps};

    new.block = heap_alloc_aligned(bytes, alignment);
    if (!new.block)
        return;
    assert_int_equal((uintptr_t) new.block % alignment, 0);
    memset(new.block, new.fill, bytes);
    live[count++] = new;
}

static void give(size_t which)
{
    for (size_t i = 0; i < live[which].bytes; i++)
        assert_int_equal(live[which].block[i], live[which].fill);
    heap_free(live[which].block);
    live[which] = live[--count];
}

static void some_events(int events)
{
    while (events--) {
        bool more = rand() % 16 < (events / 500 % 2 ? 5 : 10);
        machine_cpu_be((unsigned)rand() % OCCUPANT_CPUS);
        if (more && count < LIVE)
            take((size_t)rand() % (rand() % 3 ? 150 : 2048) + 1, rand() % 10 ? 16 : 16ul << rand() % 7);
        else if (count)
            give((size_t)rand() % count);
    }
    machine_cpu_be(0);
}

/* The shares say of each policy how many blocks are live that were taken from it. All are small here. */
static void assert_accounted(void)
{
    struct heap_share shares[SHARES];
    unsigned there = heap_shares(shares, SHARES);
    uint64_t blocks = 0, grains = 0, counted = 0, bytes = 0, newest = 0;

    assert_sound();
    assert_int_equal(shares[0].state, HEAP_OCCUPANT);
    for (size_t i = 0; i < count; i++) {
        newest += live[i].swap == swaps;
        grains += (live[i].bytes + 15) / 16;
    }
    for (unsigned i = 0; i < there; i++) {
        blocks += shares[i].blocks;
        bytes += shares[i].bytes;
        counted += shares[i].state == HEAP_DRAINING ? 0 : shares[i].blocks;
        assert_true(shares[i].state != HEAP_DRAINING || shares[i].blocks > 0);
    }
    if (there < SHARES) {
        assert_int_equal(blocks, count);
        assert_int_equal(bytes, grains * 16);
    }
    assert_int_equal(shares[0].blocks, newest);
    assert_int_equal(counted, newest);
    if (occupant_breaches)
        fail_msg("%s", occupant_said);
}

static void give_all(void)
{
    while (count)
        give(count - 1);
}

/* Nothing is left of anybody: whoever comes next begins with nothing, so only the descriptions of spans stay. */
static void assert_nothing_left(void)
{
    struct heap_count heap;

    give_all();
    swap_to(1);
    swap_to(0);
    heap_count(&heap);
    assert_int_equal(heap.blocks, 0);
    assert_int_equal(heap.spans, 0);
    assert_int_equal(heap.pages, (span_arena.made * sizeof(struct span) + PAGE_MASK) / PAGE_SIZE);
    assert_sound();
}

static void test_any_two(void **unused)
{
    (void)unused;
    srand(1);
    for (unsigned from = 0; from < HEAPS; from++) {
        for (unsigned to = 0; to < HEAPS; to++) {
            if (from == to)
                continue;
            swap_to(from);
            some_events(3000);
            assert_accounted();
            swap_to(to);
            assert_accounted();
            some_events(3000);
            assert_accounted();
            give_all();
            assert_accounted();
        }
    }
    assert_nothing_left();
}

static void test_chain(void **unused)
{
    (void)unused;
    unsigned heap = 0;

    srand(2);
    for (int i = 0; i < 200; i++) {
        heap = (heap + 1 + (unsigned)rand() % (HEAPS - 1)) % HEAPS;
        swap_to(heap);
        some_events(400);
        assert_accounted();
    }
    assert_nothing_left();
}

/* Those that stay from a policy of long ago are still counted, though its name is forgotten. */
static void test_old_blocks(void **unused)
{
    (void)unused;
    struct heap_share shares[4];
    unsigned char *old, *later;

    swap_to(1);
    old = heap_alloc(100);
    for (unsigned i = 0; i < 100; i++)
        swap_to(i % HEAPS);
    swap_to(2);
    later = heap_alloc(200);
    swap_to(3);
    assert_int_equal(heap_shares(shares, 4), 3);
    assert_string_equal(shares[0].policy, "heap-tlsf");
    assert_int_equal(shares[0].state, HEAP_OCCUPANT);
    assert_string_equal(shares[1].policy, "heap-firstfit");
    assert_int_equal(shares[1].state, HEAP_DRAINING);
    assert_int_equal(shares[1].bytes, 208);
    assert_string_equal(shares[2].policy, "?");
    assert_int_equal(shares[2].blocks, 1);
    assert_int_equal(heap_shares(shares, 2), 2); /* the latest */
    assert_string_equal(shares[1].policy, "heap-firstfit");
    heap_free(old);
    heap_free(later);
    assert_int_equal(heap_shares(shares, 4), 1);
    assert_nothing_left();
}

/* A swap needs no memory but the pools', which is refused before anything has changed. */
static void test_no_memory(void **unused)
{
    (void)unused;
    struct frames_count before, after;

    swap_to(1);
    take(100, 16);
    frames_count(&before);
    machine.maps_that_work = 0;
    assert_false(occupy("heap-tlsf", heaps[3].ops));
    machine.maps_that_work = UINT_MAX;
    frames_count(&after);
    assert_int_equal(before.free, after.free);
    swaps++;
    live[0].swap = swaps;
    assert_accounted();
    assert_nothing_left();
}

static void test_refused_tables(void **unused)
{
    (void)unused;
    struct heap_ops ops = *heaps[1].ops;

    swap_to(1);
    ops.pool_bytes = HEAP_POOL_BYTES + 1;
    assert_false(occupy("large", &ops));
    assert_non_null(strstr(occupant_said, "1025"));
    ops = *heaps[1].ops;
    ops.span_bytes = HEAP_SPAN_BYTES + 1;
    assert_false(occupy("large", &ops));
    ops = *heaps[1].ops;
    ops.free = NULL;
    assert_false(occupy("lacks", &ops));
    assert_non_null(strstr(occupant_said, "free"));
    assert_nothing_left();
}

/* The contract broken, in one of the answers, with a good heap underneath. */
static struct {
    void *(*answer)(void *good, size_t bytes, size_t alignment);
    bool gives;             /* free() gives back spans that have live blocks */
    void *former, *foreign; /* a live block of the policy before, and one of another CPU's pool */
    void *last;             /* the last good one, which is live */
    unsigned turns;
} bad;

static void *bad_allocate(struct heap_pool *pool, size_t bytes, size_t alignment)
{
    void *good = heaps[2].ops->allocate(pool, bytes, alignment);

    if (!bad.answer) {
        if ((uintptr_t)good > HEAP_SPAN_PAGES_MAX)
            bad.last = good;
        return good;
    }
    return bad.answer(good, bytes, alignment);
}

static bool bad_free(struct heap_pool *pool, struct heap_span *span, void *block, size_t bytes)
{
    return heaps[2].ops->free(pool, span, block, bytes) || bad.gives;
}

static void *nothing(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return NULL;
}

static void *garbage(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return (void *)0x5a5a5a5a5a5a5a50ul;
}

static void *too_many_pages(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return (void *)(HEAP_SPAN_PAGES_MAX + 1);
}

static void *another_span(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return HEAP_WANTS_PAGES(2);
}

static void *spans_in_turn(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return HEAP_WANTS_PAGES(1 + bad.turns++ % 4);
}

static void *not_aligned(void *good, size_t bytes, size_t alignment)
{
    (void)bytes;
    return (uint8_t *)good + alignment / 2;
}

static void *a_live_one(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return bad.last;
}

/* Begins before a live block, and reaches into it. */
static void *overlapping(void *good, size_t bytes, size_t alignment)
{
    (void)good;
    return (uint8_t *)bad.last - ((bytes - 1) & -alignment);
}

static void *former(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return (uint8_t *)bad.former + 1024;
}

static void *foreign(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return (uint8_t *)bad.foreign + 1024;
}

static void *behind_the_end(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return (void *)(((uintptr_t)bad.last | (SPAN_BYTES - 1)) + 1 - alignment);
}

static void *the_whole_arena(void *good, size_t bytes, size_t alignment)
{
    (void)good, (void)bytes, (void)alignment;
    return (void *)(span_arena.base + SPANS_MAX * SPAN_BYTES - alignment);
}

static struct heap_ops bad_ops; /* heap-firstfit's, but for those */

static const struct {
    const char *name;
    void *(*answer)(void *good, size_t bytes, size_t alignment);
    const char *sentence; /* part of it */
} answers[] = {
    {"nothing", nothing, "chose nothing"},
    {"garbage", garbage, "none of its spans"},
    {"too many pages", too_many_pages, "none of its spans"},
    {"another span", another_span, "then another one"},
    {"spans of all sizes in turn", spans_in_turn, "ever other sizes"},
    {"not aligned", not_aligned, "not aligned"},
    {"a live one", a_live_one, "not free"},
    {"overlapping", overlapping, "not free"},
    {"of a former policy's span", former, "none of its spans"},
    {"of another CPU's span", foreign, "none of its spans"},
    {"behind a span's end", behind_the_end, "not free"},
    {"beyond all spans", the_whole_arena, "none of its spans"},
};

/* Puts the bad heap in place, still good, with blocks of it and of the one before. */
static void put_in_bad(void)
{
    bad.answer = NULL;
    bad.gives = false;
    bad.turns = 0;
    swap_to(3);
    bad.former = heap_alloc(64);
    bad_ops = *heaps[2].ops;
    bad_ops.allocate = bad_allocate;
    bad_ops.free = bad_free;
    assert_true(occupy("bad", &bad_ops));
    swaps++;
    machine_cpu_be(1);
    bad.foreign = heap_alloc(64);
    machine_cpu_be(0);
    for (int i = 0; i < 200; i++)
        take(48, 16);
}

/* The fallback serves; the facts hold; the next policy goes on with the live blocks. */
static void test_bad_answer(void **state)
{
    size_t which = (size_t)*state;
    const size_t alignments[] = {16, 64, 512};

    put_in_bad();
    size_t good = count;
    bad.answer = answers[which].answer;
    for (int i = 0; i < 300; i++)
        take((size_t)rand() % 300 + 60, i ? alignments[rand() % 3] : 16);
    assert_int_equal(count, good + 300);
    assert_sound();
    assert_true(occupant_breaches >= 200);
    if (!strstr(occupant_said, answers[which].sentence))
        fail_msg("%s", occupant_said);
    for (int i = 0; i < 100; i++)
        give((size_t)rand() % count);
    assert_sound();
    heap_free(bad.former);
    heap_free(bad.foreign);
    swap_to(0);
    some_events(1000);
    assert_sound();
    assert_nothing_left();
}

static void test_gives_back_what_lives(void **unused)
{
    (void)unused;
    put_in_bad();
    bad.gives = true;
    give(5);
    give(9);
    assert_int_equal(occupant_breaches, 2);
    assert_non_null(strstr(occupant_said, "live blocks"));
    assert_sound();
    heap_free(bad.former);
    heap_free(bad.foreign);
    assert_nothing_left();
}

static int start(void **unused)
{
    (void)unused;
    heap_machine_start(FRAMES);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    heap_machine_stop();
    return 0;
}

#define ANSWERS (sizeof answers / sizeof *answers)

int main(void)
{
    struct CMUnitTest tests[6 + ANSWERS] = {
        cmocka_unit_test(test_any_two),        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_old_blocks),     cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_refused_tables), cmocka_unit_test(test_gives_back_what_lives),
    };
    static char names[ANSWERS][64];

    for (size_t i = 0; i < ANSWERS; i++) {
        snprintf(names[i], sizeof names[i], "bad answer: %s", answers[i].name);
        tests[6 + i] = (struct CMUnitTest){names[i], test_bad_answer, NULL, NULL, (void *)i};
    }
    return cmocka_run_group_tests_name("heap_swap", tests, start, stop);
}
