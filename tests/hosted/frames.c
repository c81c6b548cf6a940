/* sources: core/frames.c core/lock.c core/text.c tests/hosted/machine/machine.c tests/hosted/machine/cpu.c */
/*
 * frames.c - the frame allocator against a model: a table of who has what.
 *
 * All tests use one machine, and each gives back what it took.
 */
#include "core/frames.h"
#include "machine/cpu.h"
#include "machine/machine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 8192
#define TABLE_FRAMES 2 /* one byte a frame */

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
    assert_int_equal(frame, dirty); /* last given back, first taken: it is in the caches */
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

/* Runs the check with a word of a free frame overwritten, and expects it to find that. */
static void assert_found(uint64_t *word, uint64_t value)
{
    char details[256] = "";
    uint64_t before = *word;

    *word = value;
    assert_true(frames_check(details, sizeof details) > 0);
    assert_true(strlen(details) > 0);
    *word = before;
    assert_sound(); /* the check itself has changed nothing */
}

static void test_check_finds_damage(void **unused)
{
    (void)unused;
    physical_address a = frames_alloc(), b = frames_alloc(), used = frames_alloc();
    uint64_t *run = physical_to_virtual(b);

    frames_free(a);
    frames_free(b);
    assert_int_equal(run[0], a / PAGE_SIZE);
    assert_found(run, b / PAGE_SIZE);    /* a circle */
    assert_found(run, 0);                /* the rest lost */
    assert_found(run, used / PAGE_SIZE); /* a frame in use */
    assert_found(run, FRAMES + 5);       /* no frame at all */
    assert_found(run + 1, 3);            /* more than one */
    assert_found(run + 1, ~0ul);
    frames_free(used);
}

static int start(void **unused)
{
    (void)unused;
    machine_start(FRAMES);
    frames_init(runs, sizeof runs / sizeof *runs);
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
        cmocka_unit_test(test_counts_after_init),
        cmocka_unit_test(test_every_frame_once_until_there_is_none),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_random_against_model),
        cmocka_unit_test(test_refuses_what_is_not_in_use),
        cmocka_unit_test(test_check_finds_damage),
    };
    return cmocka_run_group_tests_name("frames", tests, start, stop);
}
