/* sources: core/fault.c core/frames.c core/frames_check.c core/frames_slot.c core/fallback/frames_first.c
 * core/errors.c core/lock.c core/text.c tests/hosted/machine/machine.c tests/hosted/machine/cpu.c
 * tests/hosted/machine/slots.c tests/hosted/machine/heap.c */
/*
 * frames.c - the frame table, before there is a policy and with the built-in one, against a model: a table of who has
 * what.
 *
 * All tests use one machine, and each gives back what it took.
 */
#include "core/frames.h"
#include "core/frames_private.h"
#include "core/frames_slot.h"
#include "core/slot_call.h"
#include "machine/cpu.h"
#include "machine/machine.h"
#include "machine/slots.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 8192
#define TABLE_FRAMES 2 /* one byte a frame */

unsigned cpu_count = 1;

static const struct memory_run runs[] = {{0, 159}, {256, 1024}, {1025, 1026}, {2000, FRAMES}};

static bool usable(uint64_t frame)
{
    bool in_run = false;

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        in_run |= frame >= runs[i].first && frame < runs[i].last;
    return frame && in_run;
}

static uint64_t usable_frames(void)
{
    uint64_t count = 0;

    for (uint64_t frame = 0; frame < FRAMES; frame++)
        count += usable(frame);
    return count;
}

static struct frames_count count_now(void)
{
    struct frames_count count;

    frames_count(&count);
    return count;
}

static void assert_sound(void)
{
    char details[256] = "";

    if (frames_check(details, sizeof details))
        fail_msg("%s", details);
    if (slots_faults)
        fail_msg("%s", slots_fault);
}

static void test_counts_after_init(void **unused)
{
    (void)unused;
    struct frames_count count = count_now();

    assert_int_equal(count.total, usable_frames());
    assert_int_equal(count.used, TABLE_FRAMES);
    assert_int_equal(count.free, usable_frames() - TABLE_FRAMES);
    assert_int_equal(count.reserved, FRAMES - usable_frames());
    assert_sound();
}

static void test_every_frame_once_until_there_is_none(void **unused)
{
    (void)unused;
    static bool taken[FRAMES];
    uint64_t free = count_now().free;
    physical_address frame;
    uint64_t count = 0;

    memset(taken, 0, sizeof taken);
    for (; (frame = frames_alloc()); count++) {
        assert_int_equal(frame % PAGE_SIZE, 0);
        assert_true(usable(frame / PAGE_SIZE));
        assert_false(taken[frame / PAGE_SIZE]);
        taken[frame / PAGE_SIZE] = true;
        memset(physical_to_virtual(frame), 0xa5, PAGE_SIZE); /* nothing of the allocator's is in it */
    }
    assert_int_equal(count, free);
    assert_int_equal(count_now().free, 0);
    assert_int_equal(frames_alloc_zeroed(), 0);
    assert_sound();
    for (uint64_t i = 0; i < FRAMES; i++) {
        if (taken[i])
            frames_free(i * PAGE_SIZE);
    }
    assert_int_equal(count_now().free, free);
    assert_sound();
}

static void test_zeroed(void **unused)
{
    (void)unused;
    physical_address dirty = frames_alloc();

    memset(physical_to_virtual(dirty), 0xff, PAGE_SIZE);
    frames_free(dirty);
    physical_address frame = frames_alloc_zeroed();
    assert_int_equal(frame, dirty); /* the only one that is not zero yet */
    const uint8_t *bytes = physical_to_virtual(frame);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(bytes[i], 0);
    frames_free(frame);
}

static void test_random_against_model(void **unused)
{
    (void)unused;
    static physical_address held[FRAMES];
    size_t count = 0;
    uint64_t free = count_now().free;

    srand(1);
    for (int step = 0; step < 200000; step++) {
        bool grow = step / 20000 % 2 == 0;
        if (rand() % 8 < (grow ? 6 : 2)) {
            physical_address frame = frames_alloc();
            assert_int_equal(!frame, count == free);
            if (frame) {
                *(uint64_t *)physical_to_virtual(frame) = frame + 1;
                held[count++] = frame;
            }
        } else if (count) {
            size_t which = (size_t)rand() % count;
            assert_int_equal(*(uint64_t *)physical_to_virtual(held[which]), held[which] + 1);
            frames_free(held[which]);
            held[which] = held[--count];
        }
        assert_int_equal(count_now().free, free - count);
    }
    assert_sound();
    while (count)
        frames_free(held[--count]);
    assert_sound();
}

static void give_back(void *address)
{
    frames_free((physical_address)address);
}

static void test_refuses_what_is_not_in_use(void **unused)
{
    (void)unused;
    physical_address frame = frames_alloc();
    physical_address wrong[] = {frame + 8, 200 * PAGE_SIZE, FRAMES * PAGE_SIZE, 0, 1ul << 60, (FRAMES - 1) * PAGE_SIZE};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *said = machine_panic_in(give_back, (void *)wrong[i]);
        char address[32];
        assert_non_null(said);
        snprintf(address, sizeof address, "0x%lx", wrong[i]);
        assert_non_null(strstr(said, address));
    }
    frames_free(frame);
    assert_non_null(machine_panic_in(give_back, (void *)frame));
}

/* Runs the check with a byte of the table overwritten, and expects it to find that. */
static void assert_found(physical_address frame, uint8_t state)
{
    char details[256] = "";
    uint8_t *entry = frames.table + frame / PAGE_SIZE, before = *entry;

    *entry = state;
    assert_true(frames_check(details, sizeof details) > 0);
    assert_true(strlen(details) > 0);
    *entry = before;
    slots_faults = 0; /* of a policy that did not agree with it */
    assert_sound();   /* the check itself has changed nothing */
}

static void test_check_finds_damage(void **unused)
{
    (void)unused;
    physical_address used = frames_alloc(), free = frames_alloc();

    frames_free(free);
    assert_found(used, FRAME_FREE);
    assert_found(used, FRAME_RESERVED);
    assert_found(used, 77);
    assert_found(free, FRAME_USED);
    frames_free(used);
}

static void test_blocks(void **unused)
{
    (void)unused;
    uint64_t free = count_now().free;

    for (unsigned order = 0; order <= FRAMES_ORDER_MAX; order++) {
        physical_address block = frames_alloc_block(order);
        assert_true(block);
        assert_int_equal(block % (PAGE_SIZE << order), 0);
        assert_int_equal(count_now().free, free - (1ul << order));
        assert_sound();
        for (uint64_t i = 0; i < 1ul << order; i++) { /* frame by frame, as well as whole */
            assert_true(usable(block / PAGE_SIZE + i));
            if (order % 2)
                frames_free(block + i * PAGE_SIZE);
        }
        if (order % 2 == 0)
            frames_free_block(block, order);
    }
    assert_int_equal(count_now().free, free);
    assert_sound();
}

/* From here on with the built-in policy. */
static void test_policy_takes_over(void **unused)
{
    (void)unused;
    static struct policy policy = {.name = "frames-first", .ops = &frames_first_ops};
    struct failure why;
    physical_address before = frames_alloc();

    assert_int_equal(frames_slot_type.validate(policy.ops, &why), 0);
    assert_int_equal(frames_slot_type.reserve(&policy, &why), 0);
    frames_slot_type.install(&policy);
    slots_ops[SLOT_KIND_FRAMES] = policy.ops;
    assert_sound();
    frames_free(before);
    assert_sound();
}

static int start(void **unused)
{
    (void)unused;
    machine_start(FRAMES);
    memset(physical_to_virtual(0), 0, FRAMES * PAGE_SIZE);
    frames_init(runs, sizeof runs / sizeof *runs);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    machine_stop();
    frames_slot_type.release(frames.policy);
    return slots_faults > 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_after_init),
        cmocka_unit_test(test_every_frame_once_until_there_is_none),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_random_against_model),
        cmocka_unit_test(test_refuses_what_is_not_in_use),
        cmocka_unit_test(test_check_finds_damage),
        cmocka_unit_test(test_policy_takes_over),
        cmocka_unit_test(test_every_frame_once_until_there_is_none),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_random_against_model),
        cmocka_unit_test(test_refuses_what_is_not_in_use),
        cmocka_unit_test(test_check_finds_damage),
    };
    return cmocka_run_group_tests_name("frames", tests, start, stop);
}
