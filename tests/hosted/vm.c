/* sources: core/fault.c core/vm.c core/ranges.c core/lock.c tests/hosted/machine/machine.c
 * tests/hosted/machine/cpu.c */
/*
 * vm.c - kernel addresses and what is mapped there, on a machine that holds the rules of translation caches and of W^X.
 *
 * Frames come from the test, so that they can run out at any moment. All tests use one machine, and each gives back
 * what it took.
 */
#include "core/vm.h"
#include "core/frames.h"
#include "machine/cpu.h"
#include "machine/machine.h"
#include <limits.h>
#include <moult/errors.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 16384
#define STACKS 100000
#define STACK_PAGES 2
#define GENERAL_PAGES (VM_SIZE / PAGE_SIZE - 2) /* the longest range there is: a guard page on each side */

static struct {
    bool taken[FRAMES];
    size_t in_use, left;
} pool;

physical_address frames_alloc(void)
{
    static size_t at = 1;

    if (pool.left == 0 || pool.in_use == FRAMES - 1)
        return 0;
    pool.left--;
    pool.in_use++;
    while (pool.taken[at])
        at = at % (FRAMES - 1) + 1;
    pool.taken[at] = true;
    return at * PAGE_SIZE;
}

void frames_free(physical_address frame)
{
    assert_true(pool.taken[frame / PAGE_SIZE]);
    assert_false(machine_reachable(frame));
    assert_int_equal(machine_alias(frame), PROTECTION_WRITE);
    pool.taken[frame / PAGE_SIZE] = false;
    pool.in_use--;
}

static struct vm_count count_now(void)
{
    struct vm_count count;

    vm_count(&count);
    return count;
}

static void assert_same(struct vm_count before)
{
    struct vm_count after = count_now();

    assert_memory_equal(&after, &before, sizeof before);
}

/* All addresses are one free range again. */
static void assert_whole(void)
{
    void *all = vm_reserve(VM_GENERAL, GENERAL_PAGES, PAGE_SIZE);

    assert_ptr_equal(all, (void *)(VM_BASE + PAGE_SIZE));
    assert_null(vm_reserve(VM_GENERAL, 1, PAGE_SIZE));
    vm_release(all);
    assert_null(vm_reserve(VM_GENERAL, GENERAL_PAGES + 1, PAGE_SIZE));
}

static void test_reserve_limits(void **unused)
{
    (void)unused;
    struct vm_count before = count_now();

    assert_null(vm_reserve(VM_GENERAL, 0, PAGE_SIZE));
    assert_null(vm_reserve(VM_GENERAL, SIZE_MAX, PAGE_SIZE));
    assert_null(vm_reserve(VM_GENERAL, SIZE_MAX / PAGE_SIZE, PAGE_SIZE));
    assert_null(vm_reserve(VM_GENERAL, 1, 1ul << 63));
    assert_null(vm_reserve(VM_MODULES, MODULES_SIZE / PAGE_SIZE, PAGE_SIZE));
    assert_same(before);
    assert_whole();
}

/* A module's addresses are not used again within the next 64, also across the end of the part that is used in turn. */
static void test_modules_take_turns(void **unused)
{
    (void)unused;
    struct vm_count before = count_now();
    uintptr_t last[64] = {0};

    for (unsigned turn = 0; turn < 20000; turn++) {
        uintptr_t start = (uintptr_t)vm_reserve(VM_MODULES, 1 + turn % 7, PAGE_SIZE << turn % 3);
        assert_int_not_equal(start, 0);
        assert_true(start < MODULES_BASE + (64ul << 20));
        for (unsigned i = 0; i < 64; i++)
            assert_int_not_equal(start, last[i]);
        last[turn % 64] = start;
        vm_release((void *)start);
    }
    void *all = vm_reserve(VM_MODULES, MODULES_SIZE / PAGE_SIZE - 2, PAGE_SIZE);
    assert_non_null(all);
    vm_release(all);
    assert_same(before);
}

/* One live range of the random test. */
struct live {
    uintptr_t start;
    size_t pages;
};

static int by_start(const void *a, const void *b)
{
    const struct live *left = a, *right = b;

    return left->start < right->start ? -1 : left->start > right->start;
}

/* In the area, and at least a page between any two. */
static void assert_apart(struct live *live, size_t count)
{
    uintptr_t end = VM_BASE;

    qsort(live, count, sizeof *live, by_start);
    for (size_t i = 0; i < count; i++) {
        assert_true(live[i].start >= end + PAGE_SIZE);
        end = live[i].start + live[i].pages * PAGE_SIZE;
    }
    assert_true(end + PAGE_SIZE <= VM_BASE + VM_SIZE);
}

static void test_reserve_random(void **unused)
{
    (void)unused;
    static struct live live[2000];
    struct vm_count before = count_now();
    size_t count = 0, pages = 0;

    srand(2);
    for (int step = 0; step < 20000; step++) {
        if (count < 2000 && rand() % 16 < (step / 4000 % 2 ? 5 : 11)) {
            size_t alignment = PAGE_SIZE << (rand() % 4 ? 0 : rand() % 10);
            size_t wanted = rand() % 64 ? (size_t)rand() % 12 + 1 : (size_t)rand() % 100000 + 1;
            uintptr_t start = (uintptr_t)vm_reserve(VM_GENERAL, wanted, alignment);
            assert_true(start);
            assert_int_equal(start % alignment, 0);
            live[count++] = (struct live){start, wanted};
            pages += wanted;
        } else if (count) {
            size_t which = (size_t)rand() % count;
            vm_release((void *)live[which].start);
            pages -= live[which].pages;
            live[which] = live[--count];
        }
        assert_int_equal(count_now().ranges, before.ranges + count);
        assert_int_equal(count_now().reserved_pages, before.reserved_pages + pages);
        if (step % 500 == 0)
            assert_apart(live, count);
    }
    while (count)
        vm_release((void *)live[--count].start);
    assert_same(before);
    assert_whole();
}

static void test_many_stacks(void **unused)
{
    (void)unused;
    static void *stacks[STACKS];
    uintptr_t end = VM_BASE + PAGE_SIZE + STACKS * (STACK_PAGES + 1) * PAGE_SIZE;

    for (size_t i = 0; i < STACKS; i++) {
        stacks[i] = vm_reserve(VM_GENERAL, STACK_PAGES, PAGE_SIZE);
        assert_non_null(stacks[i]);
        assert_true((uintptr_t)stacks[i] < end);
    }
    for (size_t i = 0; i < STACKS; i += 2)
        vm_release(stacks[i]);
    for (size_t i = 0; i < STACKS; i += 2) { /* the holes are found again */
        stacks[i] = vm_reserve(VM_GENERAL, STACK_PAGES, PAGE_SIZE);
        assert_true((uintptr_t)stacks[i] < end);
    }
    srand(3);
    for (size_t left = STACKS; left > 0; left--) {
        size_t which = (size_t)rand() % left;
        vm_release(stacks[which]);
        stacks[which] = stacks[left - 1];
    }
    assert_whole();
}

static void test_alloc(void **unused)
{
    (void)unused;
    struct vm_count before = count_now();
    size_t in_use = pool.in_use;
    uint64_t *words = vm_alloc(5, false);
    physical_address frame;
    unsigned protection;

    assert_non_null(words);
    for (size_t i = 0; i < 5; i++) {
        words[i * 512] = i;
        assert_true(arch_translate((uintptr_t)(words + i * 512), &frame, &protection));
        assert_int_equal(protection, PROTECTION_WRITE);
        assert_int_equal(*(uint64_t *)physical_to_virtual(frame), i);
    }
    assert_false(arch_translate((uintptr_t)words - PAGE_SIZE, &frame, &protection)); /* guard pages */
    assert_false(arch_translate((uintptr_t)words + 5 * PAGE_SIZE, &frame, &protection));
    assert_int_equal(count_now().mapped_pages, before.mapped_pages + 5);
    memset(words, 0xff, 5 * PAGE_SIZE);
    unsigned flushes = machine.flushes;
    vm_free(words);
    assert_int_equal(machine.flushes, flushes + 1);
    assert_int_equal(pool.in_use, in_use);
    assert_same(before);
    const unsigned char *bytes = vm_alloc(5, true);
    for (size_t i = 0; i < 5 * PAGE_SIZE; i++)
        assert_int_equal(bytes[i], 0);
    vm_free((void *)bytes);
    assert_same(before);
    assert_whole();
}

static void test_alloc_without_memory(void **unused)
{
    (void)unused;
    struct vm_count before = count_now();
    size_t in_use = pool.in_use;

    for (size_t left = 0; left < 8; left++) {
        pool.left = left;
        assert_null(vm_alloc(8, true));
        pool.left = SIZE_MAX;
        assert_int_equal(pool.in_use, in_use);
        machine.maps_that_work = (unsigned)left;
        assert_null(vm_alloc(8, true));
        machine.maps_that_work = UINT_MAX;
        assert_int_equal(pool.in_use, in_use);
    }
    assert_same(before);
    assert_whole();
}

static void test_populate_in_parts(void **unused)
{
    (void)unused;
    struct vm_count before = count_now();
    char *range = vm_reserve(VM_MODULES, 10, PAGE_SIZE);

    assert_true((uintptr_t)range >= MODULES_BASE && (uintptr_t)range < MODULES_BASE + MODULES_SIZE);
    assert_int_equal(vm_populate(range, 3, PROTECTION_READ), -EINVAL);
    assert_int_equal(vm_populate(range, 3, PROTECTION_EXECUTE), -EINVAL);
    assert_int_equal(vm_populate(range, 3, PROTECTION_WRITE), 0);
    assert_int_equal(vm_populate(range + 5 * PAGE_SIZE, 5, PROTECTION_WRITE), 0);
    assert_int_equal(count_now().mapped_pages, before.mapped_pages + 8);
    assert_int_equal(vm_populate(range + 3 * PAGE_SIZE, 3, PROTECTION_WRITE), -EEXIST);
    assert_int_equal(count_now().mapped_pages, before.mapped_pages + 8);
    vm_depopulate(range + PAGE_SIZE, 5); /* with pages in it that are not mapped */
    assert_int_equal(count_now().mapped_pages, before.mapped_pages + 5);
    vm_free(range);
    assert_same(before);
}

/* What may be done with a page, and with its frame through the direct map. */
static void assert_allows(const char *page, unsigned protection, unsigned alias)
{
    physical_address frame;
    unsigned present;

    assert_true(arch_translate((uintptr_t)page, &frame, &present));
    assert_int_equal(present, protection);
    assert_int_equal(machine_alias(frame), alias);
}

static void test_protect(void **unused)
{
    (void)unused;
    struct vm_count before = count_now();
    char *range = vm_alloc(6, true);

    range[0] = 1;
    assert_int_equal(vm_protect(range, 2, PROTECTION_EXECUTE), 0);
    assert_int_equal(vm_protect(range + 2 * PAGE_SIZE, 2, PROTECTION_READ), 0);
    assert_allows(range + PAGE_SIZE, PROTECTION_EXECUTE, PROTECTION_READ);
    assert_allows(range + 2 * PAGE_SIZE, PROTECTION_READ, PROTECTION_READ);
    assert_allows(range + 4 * PAGE_SIZE, PROTECTION_WRITE, PROTECTION_WRITE);
    assert_int_equal(range[0], 1);
    assert_int_equal(vm_protect(range, 3, PROTECTION_WRITE), 0);
    assert_allows(range + PAGE_SIZE, PROTECTION_WRITE, PROTECTION_WRITE);
    assert_allows(range + 3 * PAGE_SIZE, PROTECTION_READ, PROTECTION_READ);
    range[0] = 2;
    assert_int_equal(vm_protect(range, 6, PROTECTION_EXECUTE), 0);
    assert_int_equal(vm_protect(range, 6, PROTECTION_EXECUTE), 0);
    assert_int_equal(vm_protect(range, 1, PROTECTION_WRITE | PROTECTION_EXECUTE), -EINVAL);
    assert_int_equal(vm_protect(range, 1, PROTECTION_WRITE | PROTECTION_UNCACHED), -EINVAL);
    vm_depopulate(range + PAGE_SIZE, 1);
    assert_int_equal(vm_protect(range, 6, PROTECTION_READ), -EINVAL); /* a page is missing: nothing has changed */
    assert_allows(range, PROTECTION_EXECUTE, PROTECTION_READ);
    unsigned flushes = machine.flushes;
    vm_free(range); /* frames_free() above sees to it that they can be written again */
    assert_true(machine.flushes <= flushes + 5);
    assert_same(before);
}

static void test_protect_without_memory(void **unused)
{
    (void)unused;
    char *range = vm_alloc(4, true);

    machine_forget_splits();
    for (unsigned works = 0; works < 4; works++) {
        machine.splits_that_work = works ? 1 : 0; /* those of earlier attempts stay */
        assert_int_equal(vm_protect(range, 4, PROTECTION_EXECUTE), -ENOMEM);
        machine.splits_that_work = UINT_MAX;
        for (size_t i = 0; i < 4; i++)
            assert_allows(range + i * PAGE_SIZE, PROTECTION_WRITE, PROTECTION_WRITE);
    }
    vm_free(range);
}

static void test_device(void **unused)
{
    (void)unused;
    struct vm_count before = count_now();
    physical_address frame;
    unsigned protection;

    char *device = vm_map_device(0xfee00ff8, 16); /* across two pages */
    assert_int_equal((uintptr_t)device & PAGE_MASK, 0xff8);
    assert_true(arch_translate((uintptr_t)device + 8, &frame, &protection));
    assert_int_equal(frame, 0xfee01000);
    assert_int_equal(protection, PROTECTION_WRITE | PROTECTION_UNCACHED);
    char *again = vm_map_device(0xfee00ff8, 16);
    assert_non_null(again);
    assert_ptr_not_equal(again, device);
    assert_int_equal(count_now().mapped_pages, before.mapped_pages + 4);
    before = count_now();
    assert_null(vm_map_device(0xfee00000, 0));
    assert_null(vm_map_device(0xfee00010, SIZE_MAX));
    assert_null(vm_map_device(0xfee00000, VM_SIZE));
    machine.maps_that_work = 2;
    assert_null(vm_map_device(0xfee00000, 3 * PAGE_SIZE));
    machine.maps_that_work = UINT_MAX;
    assert_same(before);
}

static void populate_too_much(void *range)
{
    vm_populate(range, 3, PROTECTION_WRITE);
}

static void populate_guard(void *range)
{
    vm_populate((char *)range - PAGE_SIZE, 1, PROTECTION_WRITE);
}

static void test_refuses_mistakes(void **unused)
{
    (void)unused;
    char *range = vm_reserve(VM_GENERAL, 2, PAGE_SIZE);

    assert_non_null(machine_panic_in(vm_release, range + PAGE_SIZE));
    assert_non_null(machine_panic_in(vm_release, (void *)VM_BASE));
    assert_non_null(machine_panic_in(vm_free, range + 100 * PAGE_SIZE));
    assert_non_null(machine_panic_in(populate_too_much, range));
    assert_non_null(machine_panic_in(populate_guard, range));
    assert_int_equal(vm_populate(range, 1, PROTECTION_WRITE), 0);
    assert_non_null(strstr(machine_panic_in(vm_release, range), "1 pages mapped"));
    vm_free(range);
    assert_non_null(machine_panic_in(vm_release, range));
}

static int start(void **unused)
{
    (void)unused;
    machine_start(FRAMES);
    pool.left = SIZE_MAX;
    vm_init();
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
        cmocka_unit_test(test_reserve_limits),
        cmocka_unit_test(test_modules_take_turns),
        cmocka_unit_test(test_reserve_random),
        cmocka_unit_test(test_many_stacks),
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_alloc_without_memory),
        cmocka_unit_test(test_populate_in_parts),
        cmocka_unit_test(test_protect),
        cmocka_unit_test(test_protect_without_memory),
        cmocka_unit_test(test_refuses_mistakes),
        cmocka_unit_test(test_device),
    };
    return cmocka_run_group_tests_name("vm", tests, start, stop);
}
