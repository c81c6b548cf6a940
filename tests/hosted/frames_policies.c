/* sources: core/fault.c core/frames.c core/frames_check.c core/frames_slot.c core/fallback/frames_first.c
 * modules/frames/bitmap.c modules/frames/buddy.c modules/frames/percpu.c core/errors.c core/lock.c core/text.c
 * tests/hosted/machine/machine.c tests/hosted/machine/cpu.c tests/hosted/machine/slots.c tests/hosted/machine/heap.c */
/*
 * frames_policies.c - every page allocator under random allocation on several CPUs, with hand-overs between any two of
 * them, brought to their end, undone half-way or replaced by a rescue; and page allocators that break their contract.
 *
 * The test plays the swapper. What is held is known to a model, and each frame held has its own number written in it.
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
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 9000 /* the last chunk is cut */
#define CPUS 3
#define HELD 4000
#define ORDER_LARGEST 5

static const struct memory_run runs[] = {{0, 159}, {256, 1024}, {1025, 1026}, {2000, FRAMES}};

extern const struct frames_ops bitmap_ops, buddy_ops, percpu_ops;

enum { FIRST, BITMAP, BUDDY, PERCPU, POLICIES };
static struct policy policies[POLICIES] = {
    [FIRST] = {.name = "frames-first", .ops = &frames_first_ops},
    [BITMAP] = {.name = "frames-bitmap", .ops = &bitmap_ops},
    [BUDDY] = {.name = "frames-buddy", .ops = &buddy_ops},
    [PERCPU] = {.name = "frames-percpu", .ops = &percpu_ops},
};

unsigned cpu_count = CPUS;

static struct block {
    physical_address address;
    unsigned order;
} held[HELD];
static size_t held_count;
static uint64_t held_frames, frames_at_first;

static uint64_t *word_of(physical_address address, uint64_t frame)
{
    return physical_to_virtual(address + frame * PAGE_SIZE);
}

static void assert_sound(void)
{
    char details[256] = "";
    struct frames_count count;

    if (frames_check(details, sizeof details))
        fail_msg("%s", details);
    if (slots_faults)
        fail_msg("%s", slots_fault);
    frames_count(&count);
    assert_int_equal(count.free, frames_at_first - held_frames);
}

/* Takes a block and writes into each of its frames; false: there is none. */
static bool take(unsigned order)
{
    physical_address block = frames_alloc_block(order);

    if (!block)
        return false;
    assert_int_equal(block % (PAGE_SIZE << order), 0);
    for (uint64_t i = 0; i < 1ul << order; i++) {
        assert_int_equal(*word_of(block, i), 0); /* not someone else's */
        *word_of(block, i) = block + i * PAGE_SIZE + 1;
    }
    held[held_count++] = (struct block){block, order};
    held_frames += 1ul << order;
    return true;
}

/* Gives one back, whole or frame by frame. */
static void give(size_t which)
{
    struct block block = held[which];
    bool whole = rand() % 2;

    held[which] = held[--held_count];
    for (uint64_t i = 0; i < 1ul << block.order; i++) {
        assert_int_equal(*word_of(block.address, i), block.address + i * PAGE_SIZE + 1);
        *word_of(block.address, i) = 0;
        if (!whole)
            frames_free(block.address + i * PAGE_SIZE);
    }
    if (whole)
        frames_free_block(block.address, block.order);
    held_frames -= 1ul << block.order;
}

static void give_all(void)
{
    while (held_count)
        give((size_t)rand() % held_count);
}

/* More of taking in one phase, more of giving in the next. */
static void random_events(unsigned count)
{
    static unsigned phase;

    for (unsigned i = 0; i < count; i++) {
        bool grow = phase++ / 3000 % 2 == 0;

        machine_cpu_be((unsigned)rand() % CPUS);
        if (rand() % 8 < (grow ? 6 : 2) && held_count < HELD)
            take(rand() % 3 ? 0 : (unsigned)rand() % (ORDER_LARGEST + 1));
        else if (held_count)
            give((size_t)rand() % held_count);
    }
}

static int step(struct slot_progress *progress)
{
    int more = frames_slot_type.step(progress);

    random_events((unsigned)rand() % 20);
    return more;
}

static void begin(struct policy *from, struct policy *to)
{
    slots_handing_over = &frames_slot_type;
    frames_slot_type.begin(from, to);
    slots_ops[SLOT_KIND_FRAMES] = to->ops;
}

static void settle(struct policy *policy)
{
    frames_slot_type.install(policy);
    slots_ops[SLOT_KIND_FRAMES] = policy->ops;
    slots_handing_over = NULL;
}

/* The whole way, or `steps` of it and back. */
static void hand_over(struct policy *to, unsigned steps)
{
    struct policy *from = frames.policy, *culprit;
    struct slot_progress progress = {0};
    struct failure why;
    int more = 1;

    assert_int_equal(frames_slot_type.renew(to), 0);
    begin(from, to);
    while (more == 1 && steps-- > 0)
        more = step(&progress);
    if (more == 1) {
        struct policy *back = to;
        to = from;
        begin(back, to);
        while ((more = step(&progress)) == 1)
            continue;
    }
    assert_int_equal(more, 0);
    assert_int_equal(frames_slot_type.finish(&culprit, &why), 0);
    assert_null(culprit);
    settle(to);
    assert_ptr_equal(frames.policy, to);
    assert_sound();
}

static void rescue(struct policy *to, bool catch_up)
{
    struct slot_progress progress = {0};
    uint64_t moved;

    assert_int_equal(frames_slot_type.renew(to), 0);
    assert_int_equal(frames_slot_type.rebuild(to, &moved), 0);
    assert_int_equal(moved, frames_at_first - held_frames);
    settle(to);
    slots_faults = 0;
    random_events(20);
    while (catch_up && frames_slot_type.catch_up(&progress) == 1)
        random_events((unsigned)rand() % 20);
    assert_sound();
}

static void test_any_order_of_policies(void **unused)
{
    (void)unused;
    srand(1);
    for (int round = 0; round < 400; round++) {
        struct policy *next = &policies[rand() % POLICIES];

        random_events(200);
        if (next == frames.policy)
            continue;
        if (rand() % 4)
            hand_over(next, rand() % 3 ? 1000 : (unsigned)rand() % 20);
        else
            rescue(next, rand() % 2);
    }
    give_all();
    assert_sound();
    assert_int_equal(slots_faults, 0);
}

/* Whatever has been freed in whatever order, the same number of large blocks is there again. */
static void test_large_blocks_come_back(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < POLICIES; i++) {
        size_t whole = 0, again = 0;

        if (frames.policy != &policies[i])
            hand_over(&policies[i], 1000);
        give_all();
        assert_sound(); /* which empties the caches */
        while (take(FRAMES_ORDER_MAX))
            whole++;
        assert_true(whole > 10);
        give_all();
        while (held_count < HELD && take(0))
            continue;
        give_all();
        assert_sound();
        while (take(FRAMES_ORDER_MAX))
            again++;
        assert_int_equal(whole, again);
        give_all();
    }
}

/* Until there is none: a policy with caches may keep what is in those of other CPUs. */
static void test_all_memory(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < POLICIES; i++) {
        if (frames.policy != &policies[i])
            hand_over(&policies[i], 1000);
        random_events(300);
        machine_cpu_be(1);
        give_all();
        while (held_count < HELD && take(0))
            continue;
        for (unsigned order = 0; order < 3; order++) {
            while (held_count < HELD && take(order))
                continue;
        }
        assert_sound();
        give_all();
        assert_sound();
    }
    assert_int_equal(slots_faults, 0);
}

static int start(void **unused)
{
    struct failure why;

    (void)unused;
    machine_start(FRAMES);
    machine_cpu_be(0);
    frames_init(runs, sizeof runs / sizeof *runs);
    frames_at_first = frames.first_free;
    for (unsigned i = 0; i < POLICIES; i++) {
        if (frames_slot_type.validate(policies[i].ops, &why) || frames_slot_type.reserve(&policies[i], &why))
            return 1;
    }
    settle(&policies[FIRST]);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < POLICIES; i++)
        frames_slot_type.release(&policies[i]);
    machine_stop();
    return 0;
}

/* A page allocator that breaks its contract in one way, from a certain call on; else it is frames-first. */
enum harm { TWICE, RESERVED, NONE, GARBAGE, UNALIGNED, FORGETS, ADOPTS_NOTHING, HARMS };
static struct {
    enum harm harm;
    unsigned calls_left; /* before it begins */
    uint64_t last;
} bad;

static uint64_t bad_take(struct frames_store *store, unsigned order, unsigned cpu)
{
    uint64_t frame = frames_first_ops.take(store, order, cpu);

    if (bad.calls_left > 0) {
        bad.calls_left--;
        bad.last = frame;
        return frame;
    }
    switch (bad.harm) {
    case TWICE:
        return bad.last;
    case RESERVED:
        return 200;
    case NONE:
        return FRAMES_NONE;
    case GARBAGE:
        return 0xdeadbeefdeadbeef;
    case UNALIGNED:
        return order ? frame + 1 : ~0ul;
    default:
        return frame;
    }
}

static void bad_give(struct frames_store *store, uint64_t frame, unsigned order)
{
    if (bad.harm != FORGETS || bad.calls_left > 0)
        frames_first_ops.give(store, frame, order);
}

static void bad_adopt(struct frames_store *store, uint64_t chunk, const struct frame_bits *free)
{
    static const struct frame_bits none;

    frames_first_ops.adopt(store, chunk, bad.harm == ADOPTS_NOTHING && bad.calls_left == 0 ? &none : free);
}

static struct policy make_bad(struct frames_ops *ops, enum harm harm, unsigned calls_left)
{
    struct policy policy = {.name = "bad", .ops = ops};
    struct failure why;

    *ops = frames_first_ops;
    ops->take = bad_take;
    ops->give = bad_give;
    ops->adopt = bad_adopt;
    bad.harm = harm;
    bad.calls_left = calls_left;
    bad.last = 0;
    assert_int_equal(frames_slot_type.reserve(&policy, &why), 0);
    return policy;
}

/* As the occupant: each is found out, the core gives out nothing wrong, and the rescue finds all there is. */
static void test_bad_occupants(void **unused)
{
    (void)unused;
    srand(2);
    for (enum harm harm = TWICE; harm < ADOPTS_NOTHING; harm++) {
        struct frames_ops ops;
        struct policy policy = make_bad(&ops, harm, 400);

        slots_faults = 0;
        hand_over(&policies[PERCPU], 1000);
        hand_over(&policy, 1000);
        for (unsigned i = 0; i < 100 && slots_faults == 0; i++)
            random_events(100);
        if (harm == FORGETS) { /* the memory is used up before it should be */
            while (held_count < HELD && slots_faults == 0 && take(0))
                continue;
        }
        assert_true(slots_faults > 0);
        random_events(500);
        rescue(&policies[FIRST], true);
        give_all();
        assert_sound();
        frames_slot_type.release(&policy);
    }
}

/* As the candidate: the hand-over says who it was, and goes back. */
static void test_bad_candidates(void **unused)
{
    (void)unused;
    srand(3);
    slots_faults = 0;
    for (enum harm harm = TWICE; harm < HARMS; harm++) {
        struct frames_ops ops;
        struct policy policy = make_bad(&ops, harm, 0), *from = frames.policy, *culprit;
        struct slot_progress progress = {0};
        struct failure why;

        if (harm == FORGETS) { /* seen only when memory is used up */
            frames_slot_type.release(&policy);
            continue;
        }
        begin(from, &policy);
        while (step(&progress) == 1)
            random_events(20);
        assert_int_equal(frames_slot_type.finish(&culprit, &why), -EPROTO);
        assert_ptr_equal(culprit, &policy);
        assert_true(strlen(why.sentence) > 0);
        begin(&policy, from);
        while (step(&progress) == 1)
            continue;
        assert_int_equal(frames_slot_type.finish(&culprit, &why), 0);
        settle(from);
        assert_sound();
        frames_slot_type.release(&policy);
    }
    give_all();
    assert_sound();
    assert_int_equal(slots_faults, 0);
}

static void refused(void (*spoil)(struct frames_ops *ops))
{
    struct frames_ops ops = percpu_ops;
    struct failure why;

    spoil(&ops);
    assert_true(frames_slot_type.validate(&ops, &why) < 0);
}

static void too_large(struct frames_ops *ops)
{
    ops->chunk_bytes = FRAMES_CHUNK_BYTES + 1;
}

static void without_show(struct frames_ops *ops)
{
    ops->show = NULL;
}

static void half_a_cache(struct frames_ops *ops)
{
    ops->exchange = NULL;
}

static void test_validation(void **unused)
{
    (void)unused;
    refused(too_large);
    refused(without_show);
    refused(half_a_cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_of_policies),
        cmocka_unit_test(test_large_blocks_come_back),
        cmocka_unit_test(test_all_memory),
        cmocka_unit_test(test_bad_occupants),
        cmocka_unit_test(test_bad_candidates),
        cmocka_unit_test(test_validation),
    };
    return cmocka_run_group_tests_name("frames_policies", tests, start, stop);
}
