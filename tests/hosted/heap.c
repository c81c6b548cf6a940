/* sources: core/fault.c core/heap.c core/heap_large.c core/heap_check.c core/heap_slot.c core/spans.c
 * core/fallback/heap_classes.c modules/heap/slab.c modules/heap/firstfit.c modules/heap/tlsf.c core/vm.c
 * core/ranges.c core/frames.c core/frames_check.c core/lock.c core/text.c core/errors.c tests/hosted/heap/occupant.c
 * tests/hosted/machine/machine.c tests/hosted/machine/cpu.c tests/hosted/machine/slots.c */
/*
 * heap.c - what holds whichever heap is in the slot: on the real address ranges and frames, against a model that knows
 * what every live block holds.
 *
 * All tests use one machine, and each gives back what it took. Each is run with every heap as the occupant.
 */
#include "core/heap.h"
#include "core/frames.h"
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
#define LIVE 3000
#define SPANS_KEPT (14 * OCCUPANT_CPUS) /* empty ones, at most: one of each class and CPU */

static struct heap_count count_now(void)
{
    struct heap_count count;

    heap_count(&count);
    return count;
}

/* No block is live, only spares are kept, and nobody was reported. */
static void assert_empty(void)
{
    struct heap_count count = count_now();

    assert_sound();
    assert_int_equal(count.blocks, 0);
    assert_int_equal(count.bytes, 0);
    assert_true(count.spans <= SPANS_KEPT);
    if (occupant_breaches)
        fail_msg("%s", occupant_said);
}

static void test_every_size(void **unused)
{
    (void)unused;
    static char *blocks[2 * HEAP_BLOCK_MAX];

    assert_null(heap_alloc(0));
    for (size_t bytes = 1; bytes < sizeof blocks / sizeof *blocks; bytes++) {
        blocks[bytes] = heap_alloc(bytes);
        assert_non_null(blocks[bytes]);
        assert_int_equal((uintptr_t)blocks[bytes] % 16, 0);
        memset(blocks[bytes], (int)bytes, bytes);
    }
    assert_sound();
    for (size_t bytes = 1; bytes < sizeof blocks / sizeof *blocks; bytes++) {
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal((unsigned char)blocks[bytes][i], bytes % 256);
        heap_free(blocks[bytes]);
    }
    heap_free(NULL);
    assert_empty();
}

static void test_counts_what_was_asked(void **unused)
{
    (void)unused;
    for (size_t bytes = 1; bytes <= HEAP_BLOCK_MAX; bytes++) {
        void *block = heap_alloc(bytes);
        struct heap_count count = count_now();
        assert_int_equal(count.blocks, 1);
        assert_int_equal(count.bytes, (bytes + 15) / 16 * 16);
        heap_free(block);
    }
    assert_empty();
}

static void test_alignment(void **unused)
{
    (void)unused;
    static unsigned char *blocks[4096];
    size_t count = 0;

    for (size_t alignment = 16; alignment <= PAGE_SIZE; alignment *= 2) {
        for (size_t bytes = 1; bytes <= 3 * HEAP_BLOCK_MAX; bytes = bytes * 5 / 4 + 7) {
            unsigned char *block = heap_alloc_aligned(bytes, alignment);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % alignment, 0);
            memset(block, 0x33, bytes);
            blocks[count++] = block;
            blocks[count++] = heap_alloc(48); /* so that the next one is not aligned by chance */
        }
        assert_sound();
    }
    while (count)
        heap_free(blocks[--count]);
    assert_empty();
}

/* Many blocks of one size lie side by side, and when they are gone so are their frames. */
static void test_frames_come_back(void **unused)
{
    (void)unused;
    static unsigned char *blocks[FRAMES];
    struct frames_count before, after;

    for (size_t bytes = 16; bytes <= HEAP_BLOCK_MAX; bytes += 304) {
        size_t count = 400000 / bytes;
        count = count < FRAMES ? count : FRAMES;
        heap_free(heap_alloc(bytes)); /* its spare is there from now on */
        frames_count(&before);
        for (size_t n = 0; n < count; n++) {
            blocks[n] = heap_alloc(bytes);
            memset(blocks[n], (int)n, bytes);
        }
        frames_count(&after);
        assert_true((before.free - after.free) * PAGE_SIZE < count * bytes * 3 / 2 + 20 * PAGE_SIZE);
        assert_sound();
        for (size_t n = 0; n < count; n++) {
            assert_int_equal(blocks[n][bytes - 1], n % 256);
            heap_free(blocks[n]);
        }
        frames_count(&after);
        assert_true(after.free + 30 >= before.free); /* spares, and descriptions of spans */
    }
    assert_empty();
}

static void test_one_block_does_not_map(void **unused)
{
    (void)unused;
    for (size_t bytes = 1; bytes <= HEAP_BLOCK_MAX; bytes *= 2) {
        heap_free(heap_alloc(bytes));
        size_t mapped = machine.mapped;
        unsigned flushes = machine.flushes;
        for (int i = 0; i < 1000; i++) {
            heap_free(heap_alloc(bytes));
            assert_int_equal(machine.mapped, mapped);
        }
        assert_int_equal(machine.flushes, flushes);
    }
}

/* Slots of the arena are used again. */
static void test_slots_come_back(void **unused)
{
    (void)unused;
    static void *blocks[64];
    size_t made = 0;

    for (int round = 0; round < 100; round++) {
        machine.maps_that_work = round % 2 ? 5 : UINT_MAX; /* every other time without enough memory */
        for (size_t i = 0; i < 64; i++)
            blocks[i] = heap_alloc(1024);
        machine.maps_that_work = UINT_MAX;
        for (size_t i = 0; i < 64; i++)
            heap_free(blocks[i]);
        made = round ? made : span_arena.made;
        assert_int_equal(span_arena.made, made);
    }
    assert_empty();
}

static void test_zeroed_and_overflow(void **unused)
{
    (void)unused;
    unsigned char *block = heap_alloc(1000);

    memset(block, 0xff, 1000);
    heap_free(block);
    block = heap_alloc_zeroed(10, 100);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0);
    heap_free(block);
    assert_null(heap_alloc_zeroed(SIZE_MAX / 2, 3));
    assert_null(heap_alloc_zeroed(0, 3));
    assert_null(heap_alloc(SIZE_MAX));
    assert_null(heap_alloc(SIZE_MAX - PAGE_SIZE));
    assert_null(heap_alloc(VM_SIZE));
    assert_empty();
}

static void test_resize(void **unused)
{
    (void)unused;
    size_t sizes[] = {1, 16, 17, 100, 3000, 100, 20000, 50000, 2048, 2049, 5, 0};
    unsigned char *block = NULL;

    for (size_t i = 0; sizes[i]; i++) {
        unsigned char *moved = heap_resize(block, sizes[i]);
        assert_non_null(moved);
        for (size_t n = 0; i && n < sizes[i] && n < sizes[i - 1]; n++)
            assert_int_equal(moved[n], (n * 7) % 251);
        block = moved;
        for (size_t n = 0; n < sizes[i]; n++)
            block[n] = (unsigned char)((n * 7) % 251);
        assert_int_equal(count_now().blocks, 1 + (sizes[i] > HEAP_BLOCK_MAX)); /* its description is a block, too */
    }
    assert_null(heap_resize(block, SIZE_MAX));
    assert_int_equal(block[3], 21);
    assert_true(count_now().bytes <= 16); /* after 50,000 bytes, five take little */
    heap_free(block);
    assert_empty();
}

/* One live block of the random test. */
struct live {
    unsigned char *block;
    size_t bytes;
    unsigned char fill;
};

static void assert_intact(const struct live *live)
{
    for (size_t i = 0; i < live->bytes; i++)
        assert_int_equal(live->block[i], live->fill);
}

static size_t random_size(void)
{
    return rand() % 50 ? (size_t)rand() % (rand() % 4 ? 200 : 3000) + 1 : (size_t)rand() % 60000 + 1;
}

static struct live take_random(int step)
{
    struct live new = {.bytes = random_size(), .fill = (unsigned char)step};
    size_t alignment = rand() % 8 ? 16 : 16ul << rand() % 8;

    new.block = heap_alloc_aligned(new.bytes, alignment);
    assert_int_equal((uintptr_t) new.block % alignment, 0);
    if (new.block)
        memset(new.block, new.fill, new.bytes);
    return new;
}

static void resize_random(struct live *live)
{
    size_t bytes = random_size();
    unsigned char *moved = heap_resize(live->block, bytes);

    if (!moved)
        return;
    live->block = moved;
    if (live->bytes > bytes)
        live->bytes = bytes;
    assert_intact(live);
    live->bytes = bytes;
    memset(moved, live->fill, bytes);
}

/* Each step on another CPU. */
static void test_random_against_model(void **unused)
{
    (void)unused;
    static struct live live[LIVE];
    size_t count = 0;

    srand(4);
    for (int step = 0; step < 60000; step++) {
        unsigned action = (unsigned)rand() % 16;
        size_t which = count ? (size_t)rand() % count : 0;
        machine_cpu_be((unsigned)rand() % OCCUPANT_CPUS);
        if (action < (step / 6000 % 2 ? 5u : 9u) && count < LIVE) {
            live[count] = take_random(step);
            count += live[count].block != NULL;
        } else if (action < 14 && count) {
            assert_intact(&live[which]);
            heap_free(live[which].block);
            live[which] = live[--count];
        } else if (count) {
            resize_random(&live[which]);
        }
        if (step % 1000 == 0)
            assert_sound();
        assert_true(machine_interrupts);
    }
    while (count)
        heap_free(live[--count].block);
    machine_cpu_be(0);
    assert_empty();
}

static void test_out_of_memory(void **unused)
{
    (void)unused;
    static void *blocks[FRAMES * 2];
    size_t sizes[] = {2048, 9000, 48}, count = 0;

    for (size_t i = 0; i < 3; i++) {
        void *block;
        while (count < FRAMES * 2 && (block = heap_alloc(sizes[i])))
            blocks[count++] = block;
        assert_sound();
    }
    assert_true(count > 8 * FRAMES / 5);
    while (count)
        heap_free(blocks[--count]);
    assert_empty();
    void *block = heap_alloc(100000);
    assert_non_null(block);
    machine.maps_that_work = 0;
    assert_null(heap_resize(block, 200000));
    assert_null(heap_alloc(200000));
    machine.maps_that_work = UINT_MAX;
    heap_free(block);
    assert_empty();
}

static void assert_refused(void *address)
{
    const char *said = machine_panic_in(heap_free, address);
    char name[32];

    snprintf(name, sizeof name, "%p", address);
    assert_non_null(said);
    assert_non_null(strstr(said, name));
}

static void resize(void *address)
{
    heap_resize(address, 5);
}

static void test_refuses_what_is_no_live_block(void **unused)
{
    (void)unused;
    char *small = heap_alloc(48), *large = heap_alloc(5000), *other = heap_alloc(48);
    char *last = (char *)((uintptr_t)small / SPAN_BYTES * SPAN_BYTES) + SPAN_BYTES;

    assert_refused(small + 16);
    assert_refused(small + 1);
    assert_refused(large + 16);
    assert_refused(large + PAGE_SIZE);
    assert_refused(last - 16); /* behind the last block, or not mapped */
    assert_refused(last - 1024);
    assert_refused(&small);
    assert_refused((void *)1);
    assert_refused((void *)-16ul);
    assert_refused((void *)span_arena.base - 16);
    assert_refused((void *)(span_arena.base + span_arena.made * SPAN_BYTES));
    assert_non_null(machine_panic_in(resize, &small));
    assert_non_null(machine_panic_in(resize, small + 16));
    heap_free(small);
    assert_refused(small); /* twice */
    heap_free(large);
    assert_refused(large);
    heap_free(other);
    for (size_t bytes = 32; bytes <= HEAP_BLOCK_MAX; bytes += 112) {
        char *block = heap_alloc(bytes);
        for (size_t offset = 16; offset < bytes; offset *= 2)
            assert_refused(block + offset);
        heap_free(block);
    }
    assert_empty();
}

/* Overwrites a part of a span's description and expects the check to find that. */
#define assert_found(place, value)                            \
    do {                                                      \
        char details[256] = "";                               \
        __typeof__(place) before = (place);                   \
        (place) = (value);                                    \
        assert_true(heap_check(details, sizeof details) > 0); \
        assert_true(strlen(details) > 0);                     \
        (place) = before;                                     \
        assert_sound();                                       \
    } while (0)

static void test_check_finds_damage(void **unused)
{
    (void)unused;
    void *block = heap_alloc(700), *large = heap_alloc(7000);
    struct span *span = &span_arena.spans[((uintptr_t)block - span_arena.base) / SPAN_BYTES];
    uint32_t grain = (uint32_t)((uintptr_t)block % SPAN_BYTES / 16);

    assert_found(span->facts.live, 7);
    assert_found(span->facts.pages, 5);
    assert_found(span->facts.start, NULL);
    assert_found(span->facts.used[grain / 64], 0);
    assert_found(span->facts.used[grain / 64], ~span->facts.used[grain / 64]);
    assert_found(span->first[grain / 64], 0);
    assert_found(span->first[grain / 64], ~0ul);
    assert_found(span->holder, 0);
    assert_found(span->holder, 1);
    heap_free(block);
    heap_free(large);
    assert_empty();
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

static int set_up(void **state)
{
    const struct heap_under_test *heap = *state;

    return occupy(heap->name, heap->ops) ? 0 : -1;
}

#define TESTS 12
static const struct {
    const char *name;
    CMUnitTestFunction run;
} all[TESTS] = {
    {"every size", test_every_size},
    {"counts what was asked", test_counts_what_was_asked},
    {"alignment", test_alignment},
    {"frames come back", test_frames_come_back},
    {"one block does not map", test_one_block_does_not_map},
    {"slots come back", test_slots_come_back},
    {"zeroed, and overflow", test_zeroed_and_overflow},
    {"resize", test_resize},
    {"random against a model", test_random_against_model},
    {"out of memory", test_out_of_memory},
    {"refuses what is no live block", test_refuses_what_is_no_live_block},
    {"the check finds damage", test_check_finds_damage},
};

int main(void)
{
    static struct CMUnitTest tests[HEAPS * TESTS];
    static char names[HEAPS * TESTS][64];

    for (size_t i = 0; i < HEAPS * TESTS; i++) {
        snprintf(names[i], sizeof names[i], "%s: %s", heaps[i / TESTS].name, all[i % TESTS].name);
        tests[i] = (struct CMUnitTest){names[i], all[i % TESTS].run, set_up, NULL, (void *)&heaps[i / TESTS]};
    }
    return cmocka_run_group_tests_name("heap", tests, start, stop);
}
