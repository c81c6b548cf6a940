/* sources: core/heap.c core/heap_large.c core/heap_check.c core/spans.c core/vm.c core/ranges.c core/frames.c
 * core/frames_check.c core/lock.c core/text.c tests/hosted/machine/machine.c tests/hosted/machine/cpu.c
 * tests/hosted/machine/slots.c */
/*
 * heap.c - the heap, on the real address ranges and frames, against a model: what every live block holds.
 *
 * All tests use one machine, and each gives back what it took.
 */
#include "core/heap.h"
#include "core/frames.h"
#include "core/spans.h"
#include "core/vm.h"
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

unsigned cpu_count = 1;

static void assert_sound(void)
{
    char details[256] = "";

    if (heap_check(details, sizeof details) || frames_check(details, sizeof details))
        fail_msg("%s", details);
}

static struct heap_count count_now(void)
{
    struct heap_count count;

    heap_count(&count);
    return count;
}

/* No block is live, and no class keeps more than its one spare span. */
static void assert_empty(void)
{
    struct heap_count count = count_now();

    assert_sound();
    assert_int_equal(count.blocks, 0);
    assert_int_equal(count.bytes, 0);
    assert_true(count.spans <= HEAP_CLASSES);
}

static void test_every_size(void **unused)
{
    (void)unused;
    static char *blocks[2 * HEAP_SMALL_MAX];

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

static void test_class_fits(void **unused)
{
    (void)unused;
    for (size_t bytes = 1; bytes <= HEAP_SMALL_MAX; bytes++) {
        void *block = heap_alloc(bytes);
        uint64_t taken = count_now().bytes;
        assert_true(taken >= bytes);
        assert_true(taken <= 16 || taken < bytes * 3 / 2 + 16); /* no more than the next step is lost */
        heap_free(block);
    }
    assert_empty();
}

/* A class's spans hold what they promise, side by side, and are all given back but one. */
static void test_spans_fill_and_empty(void **unused)
{
    (void)unused;
    static char *blocks[FRAMES];
    struct frames_count before, after;

    for (size_t i = 0; i < HEAP_CLASSES; i++) {
        const struct heap_class *class = &heap_classes[i];
        size_t count = 3u * class->capacity;
        heap_free(heap_alloc(class->size)); /* its spare is there from now on */
        frames_count(&before);
        struct heap_count empty = count_now();
        for (size_t n = 0; n < count; n++) {
            blocks[n] = heap_alloc(class->size);
            memset(blocks[n], (int)n, class->size);
        }
        assert_int_equal(count_now().spans, empty.spans + 2);
        assert_int_equal(count_now().bytes, count * class->size);
        assert_sound();
        for (size_t n = 0; n < count; n++) {
            assert_int_equal((unsigned char)blocks[n][class->size - 1], n % 256);
            heap_free(blocks[n]);
        }
        assert_int_equal(count_now().spans, empty.spans);
        frames_count(&after);
        assert_true(after.free + 2 >= before.free); /* two descriptions of spans at most */
    }
    assert_empty();
}

static void test_one_block_does_not_map(void **unused)
{
    (void)unused;
    for (size_t bytes = 1; bytes <= HEAP_SMALL_MAX; bytes *= 2) {
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

/* The spare is in use again: the next span to become empty takes its place, and comes and goes without mapping. */
static void test_spare_in_use(void **unused)
{
    (void)unused;
    const struct heap_class *class = &heap_classes[HEAP_CLASSES - 1];
    static void *blocks[2 * 64];
    size_t count = 2u * class->capacity;

    for (size_t i = 0; i < count; i++)
        blocks[i] = heap_alloc(class->size);
    for (size_t i = 0; i < class->capacity; i++)
        heap_free(blocks[i]); /* the first span is the spare */
    blocks[0] = heap_alloc(class->size);
    size_t mapped = machine.mapped;
    for (size_t i = class->capacity; i < count; i++)
        heap_free(blocks[i]);
    assert_int_equal(machine.mapped, mapped);
    heap_free(blocks[0]);
    assert_int_equal(machine.mapped, mapped - class->pages);
    assert_empty();
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
        assert_int_equal(count_now().blocks, 1 + (sizes[i] > HEAP_SMALL_MAX)); /* its description is a block, too */
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

static void test_random_against_model(void **unused)
{
    (void)unused;
    static struct live live[LIVE];
    size_t count = 0;

    srand(4);
    for (int step = 0; step < 60000; step++) {
        unsigned action = (unsigned)rand() % 16;
        size_t which = count ? (size_t)rand() % count : 0;
        if (action < (step / 6000 % 2 ? 5u : 9u) && count < LIVE) {
            struct live new = {.bytes = random_size(), .fill = (unsigned char)step};
            new.block = heap_alloc(new.bytes);
            if (!new.block)
                continue;
            memset(new.block, new.fill, new.bytes);
            live[count++] = new;
        } else if (action < 14 && count) {
            assert_intact(&live[which]);
            heap_free(live[which].block);
            live[which] = live[--count];
        } else if (count) {
            size_t bytes = random_size();
            unsigned char *moved = heap_resize(live[which].block, bytes);
            if (!moved)
                continue;
            live[which].block = moved;
            if (live[which].bytes > bytes)
                live[which].bytes = bytes;
            assert_intact(&live[which]);
            live[which].bytes = bytes;
            memset(moved, live[which].fill, bytes);
        }
        if (step % 1000 == 0)
            assert_sound();
        assert_true(machine_interrupts);
    }
    while (count)
        heap_free(live[--count].block);
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
    assert_refused(last - 16);   /* behind the span's last block */
    assert_refused(last - 1024); /* a multiple of the size, but not mapped */
    assert_refused(&small);
    assert_refused((void *)1);
    assert_refused((void *)-16ul);
    assert_refused((void *)span_arena.base - 16);
    assert_refused((void *)(span_arena.base + span_arena.made * SPAN_BYTES));
    assert_non_null(machine_panic_in(resize, &small));
    heap_free(small);
    assert_refused(small); /* twice */
    heap_free(large);
    assert_refused(large);
    heap_free(other);
    for (size_t i = 0; i < HEAP_CLASSES; i++) { /* exactly the multiples of a size are blocks */
        char *block = heap_alloc(heap_classes[i].size);
        for (size_t offset = 16; offset < heap_classes[i].size; offset *= 2)
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

    assert_found(span->live, 2);
    assert_found(span->free[0], 0);
    assert_found(span->free[1], 1);
    assert_found(span->word, 3);
    assert_found(span->class, heap_classes);
    assert_found(span->class, (struct heap_class *)&block);
    assert_found(LIST_FIRST(&span->class->partial), NULL);
    heap_free(block);
    heap_free(large);
}

static int start(void **unused)
{
    (void)unused;
    static const struct memory_run run = {1, FRAMES};

    machine_start(FRAMES);
    frames_init(&run, 1);
    vm_init();
    heap_init();
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    machine_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_class_fits),
        cmocka_unit_test(test_spans_fill_and_empty),
        cmocka_unit_test(test_one_block_does_not_map),
        cmocka_unit_test(test_spare_in_use),
        cmocka_unit_test(test_slots_come_back),
        cmocka_unit_test(test_zeroed_and_overflow),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_random_against_model),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_refuses_what_is_no_live_block),
        cmocka_unit_test(test_check_finds_damage),
    };
    return cmocka_run_group_tests_name("heap", tests, start, stop);
}
