/* sources: arch/x86/paging.c core/lock.c tests/hosted/machine/cpu.c */
/*
 * paging.c - the page tables, read back entry by entry as the processor would read them (Intel SDM volume 3, 4.5).
 *
 * Physical memory is an array that stands where the direct map is in a test; frames_alloc() takes from it in order.
 */
#include "core/frames.h"
#include "machine/cpu.h"
#include <arch/memory.h>
#include <arch/x86/control.h>
#include <moult/errors.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define FRAMES 256
#define PRESENT 1ul
#define WRITABLE 2ul
#define WRITE_THROUGH 8ul
#define CACHE_DISABLED 16ul
#define ACCESSED 32ul
#define DIRTY 64ul
#define LARGE 128ul
#define GLOBAL 256ul
#define PAT_LARGE 4096ul
#define NO_EXECUTE (1ul << 63)
#define ADDRESS 0x000ffffffffff000ul
#define KERNEL 0xffffc00012345000ul /* an address of the kernel's half */
#define GATE (2ul << 20)
#define FRAME 0x12345678000ul

uint64_t control_root;
uintptr_t control_forgotten_page;
unsigned control_forgotten_all;

static size_t next_frame, frames_left;

physical_address frames_alloc(void)
{
    if (!frames_left)
        return 0;
    frames_left--;
    memset(physical_to_virtual(next_frame * PAGE_SIZE), 0x5a, PAGE_SIZE);
    return next_frame++ * PAGE_SIZE;
}

physical_address frames_alloc_zeroed(void)
{
    physical_address frame = frames_alloc();

    return frame ? memset(physical_to_virtual(frame), 0, PAGE_SIZE), frame : 0;
}

/* The entry that the processor would end at, and the bytes that it maps; an entry without PRESENT: a fault. */
static uint64_t *walk(uintptr_t address, uint64_t *bytes)
{
    uint64_t table = control_root & ADDRESS;

    for (unsigned shift = 39;; shift -= 9) {
        uint64_t *entry = (uint64_t *)physical_to_virtual(table) + (address >> shift) % 512;
        *bytes = 1ul << shift;
        if (!(*entry & PRESENT) || shift == 12 || *entry & LARGE)
            return entry;
        assert_true(*entry & WRITABLE);
        assert_false(*entry & NO_EXECUTE);
        table = *entry & ADDRESS;
    }
}

static uint64_t entry_at(uintptr_t address)
{
    uint64_t bytes;

    return *walk(address, &bytes);
}

/* Puts a large page at `address`, whose tables down to it are there already. */
static void put_large_page(uintptr_t address, uint64_t size, uint64_t value)
{
    uint64_t bytes;
    uint64_t *entry = walk(address, &bytes);

    assert_int_equal(bytes, size);
    *entry = value | PRESENT | LARGE;
}

static void test_map_makes_the_entry(void **unused)
{
    (void)unused;
    static const struct {
        unsigned protection;
        uint64_t bits;
    } cases[] = {
        {PROTECTION_READ, NO_EXECUTE},
        {PROTECTION_WRITE, WRITABLE | NO_EXECUTE},
        {PROTECTION_EXECUTE, 0},
        {PROTECTION_WRITE | PROTECTION_UNCACHED, WRITABLE | NO_EXECUTE | CACHE_DISABLED | WRITE_THROUGH},
    };
    physical_address frame;
    unsigned protection;
    uint64_t before = arch_table_frames();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uintptr_t address = KERNEL + i * PAGE_SIZE;
        assert_false(arch_translate(address, &frame, &protection));
        assert_int_equal(arch_map(address, FRAME + i * PAGE_SIZE, cases[i].protection), 0);
        assert_int_equal(entry_at(address), (FRAME + i * PAGE_SIZE) | cases[i].bits | PRESENT | GLOBAL);
        assert_true(arch_translate(address + 5, &frame, &protection));
        assert_int_equal(frame, FRAME + i * PAGE_SIZE);
        assert_int_equal(protection, cases[i].protection);
    }
    assert_int_equal(next_frame, 5); /* the root, and one table of each lower level */
    assert_int_equal(arch_table_frames() - before, 3);
}

static void test_user_half_is_not_global(void **unused)
{
    (void)unused;
    assert_int_equal(arch_map(0x8000, 0x8000, PROTECTION_EXECUTE), 0);
    assert_int_equal(entry_at(0x8000), 0x8000 | PRESENT);
}

static void test_map_refuses(void **unused)
{
    (void)unused;
    assert_int_equal(arch_map(KERNEL, FRAME, PROTECTION_WRITE | PROTECTION_EXECUTE), -EINVAL);
    assert_int_equal(arch_map(KERNEL, FRAME, 8), -EINVAL);
    assert_int_equal(arch_map(KERNEL + 8, FRAME, PROTECTION_READ), -EINVAL);
    assert_int_equal(arch_map(KERNEL, FRAME + 8, PROTECTION_READ), -EINVAL);
    assert_int_equal(arch_map(KERNEL, 1ul << 52, PROTECTION_READ), -EINVAL);
    assert_int_equal(arch_map(1ul << 47, FRAME, PROTECTION_READ), -EINVAL);
    assert_int_equal(next_frame, 2); /* no table was made for any of them */
    assert_int_equal(arch_map(KERNEL, FRAME, PROTECTION_READ), 0);
    assert_int_equal(arch_map(KERNEL, FRAME + PAGE_SIZE, PROTECTION_WRITE), -EEXIST);
    assert_int_equal(entry_at(KERNEL), FRAME | PRESENT | GLOBAL | NO_EXECUTE);
}

static void test_map_without_memory(void **unused)
{
    (void)unused;
    uint64_t before = arch_table_frames();

    for (size_t tables = 0; tables < 3; tables++) {
        frames_left = tables ? 1 : 0; /* the tables that an attempt made stay for the next */
        assert_int_equal(arch_map(KERNEL, FRAME, PROTECTION_WRITE), -ENOMEM);
        assert_false(entry_at(KERNEL) & PRESENT);
    }
    frames_left = 1;
    assert_int_equal(arch_map(KERNEL, FRAME, PROTECTION_WRITE), 0);
    assert_int_equal(arch_table_frames() - before, 3); /* what was not had is not counted */
}

static void test_unmap(void **unused)
{
    (void)unused;
    physical_address frame;
    unsigned protection;

    assert_int_equal(arch_unmap(KERNEL), 0);
    assert_int_equal(arch_map(KERNEL, FRAME, PROTECTION_WRITE), 0);
    control_forgotten_page = 0;
    assert_int_equal(arch_unmap(KERNEL), FRAME);
    assert_int_equal(control_forgotten_page, KERNEL);
    assert_false(arch_translate(KERNEL, &frame, &protection));
    assert_int_equal(arch_unmap(KERNEL), 0);
    assert_int_equal(arch_map(KERNEL, FRAME + PAGE_SIZE, PROTECTION_READ), 0);
}

static void test_protect_small_page(void **unused)
{
    (void)unused;
    uint64_t bytes;

    assert_int_equal(arch_protect(KERNEL, PROTECTION_READ), -EINVAL);
    assert_int_equal(arch_map(KERNEL, FRAME, PROTECTION_WRITE | PROTECTION_UNCACHED), 0);
    *walk(KERNEL, &bytes) |= ACCESSED | DIRTY;
    control_forgotten_page = 0;
    assert_int_equal(arch_protect(KERNEL, PROTECTION_EXECUTE), 0);
    assert_int_equal(control_forgotten_page, KERNEL);
    assert_int_equal(entry_at(KERNEL), FRAME | PRESENT | GLOBAL | ACCESSED | DIRTY | CACHE_DISABLED |
                                           WRITE_THROUGH); /* caching is kept */
    assert_int_equal(arch_protect(KERNEL, PROTECTION_WRITE | PROTECTION_EXECUTE), -EINVAL);
    assert_int_equal(arch_protect(KERNEL, PROTECTION_WRITE), 0);
    assert_true(entry_at(KERNEL) & WRITABLE && entry_at(KERNEL) & NO_EXECUTE);
}

/* Splits a page of `size` in two steps at most and looks at every small page of it. */
static void check_split(uint64_t size, uint64_t flags, uint64_t small_flags)
{
    uintptr_t base = 0xffff800040000000ul, changed = base + size - 3 * PAGE_SIZE;
    uint64_t memory = 0x80000000ul, bytes;
    physical_address frame;
    unsigned protection;

    assert_int_equal(arch_map(base - PAGE_SIZE, FRAME, PROTECTION_READ), 0);
    if (size < 1ul << 30) { /* a table of that level */
        assert_int_equal(arch_map(base + size, FRAME, PROTECTION_READ), 0);
    }
    put_large_page(base, size, memory | flags);
    assert_int_equal(arch_map(changed, FRAME, PROTECTION_READ), -EEXIST);
    assert_int_equal(arch_unmap(changed), 0);
    assert_true(arch_translate(changed + 17, &frame, &protection));
    assert_int_equal(frame, memory + (changed - base));
    assert_int_equal(protection, PROTECTION_WRITE | (flags & CACHE_DISABLED ? PROTECTION_UNCACHED : 0));
    frames_left = 0;
    assert_int_equal(arch_protect(changed, PROTECTION_READ), -ENOMEM);
    assert_int_equal(entry_at(changed), memory | flags | PRESENT | LARGE);
    frames_left = 2;
    assert_int_equal(arch_protect(changed, PROTECTION_READ), 0);
    assert_int_equal(*walk(changed, &bytes), (memory + (changed - base)) | PRESENT | (small_flags & ~WRITABLE));
    assert_int_equal(bytes, PAGE_SIZE);
    for (uintptr_t address = base; address < base + size; address += PAGE_SIZE) {
        uint64_t value = *walk(address, &bytes), expected = memory + (address - base);
        if (address == changed)
            continue;
        if (bytes == PAGE_SIZE)
            assert_int_equal(value, expected | PRESENT | small_flags);
        else
            assert_int_equal(value, (expected & ~(bytes - 1)) | PRESENT | LARGE | flags);
    }
}

static void test_split_2_mib(void **unused)
{
    (void)unused;
    uint64_t flags = WRITABLE | NO_EXECUTE | GLOBAL | CACHE_DISABLED;

    check_split(2ul << 20, flags | PAT_LARGE, flags | LARGE); /* in a small page's entry bit 7 is the PAT bit */
}

static void test_split_2_mib_ordinary(void **unused)
{
    (void)unused;
    uint64_t flags = WRITABLE | NO_EXECUTE | GLOBAL | ACCESSED | DIRTY;

    check_split(2ul << 20, flags, flags);
}

static void test_split_1_gib(void **unused)
{
    (void)unused;
    uint64_t flags = WRITABLE | NO_EXECUTE | GLOBAL;

    check_split(1ul << 30, flags | PAT_LARGE, flags | LARGE);
}

/* After the tables are made, mapping takes no frame. */
static void test_prepare_tables(void **unused)
{
    (void)unused;
    uintptr_t area = KERNEL & ~(GATE - 1);

    frames_left = 3;
    assert_int_equal(arch_prepare_tables(area, 2 * GATE), -ENOMEM);
    frames_left = 1;
    assert_int_equal(arch_prepare_tables(area, 2 * GATE), 0);
    assert_int_equal(frames_left, 0);
    assert_int_equal(arch_map(area, FRAME, PROTECTION_WRITE), 0);
    assert_int_equal(arch_map(area + GATE, FRAME, PROTECTION_WRITE), 0);
    assert_int_equal(arch_map(area + 2 * GATE, FRAME, PROTECTION_WRITE), -ENOMEM);
}

/* The last entry on the way down that is not a page's own. */
static uint64_t gate_entry(uintptr_t address)
{
    uint64_t table = control_root & ADDRESS, entry = 0;

    for (unsigned shift = 39; shift > 12; shift -= 9) {
        entry = ((uint64_t *)physical_to_virtual(table))[(address >> shift) % 512];
        table = entry & ADDRESS;
    }
    return entry;
}

/* A closed gate lets nothing be written, whatever the pages' own entries say, which it leaves alone. */
static void test_gate(void **unused)
{
    (void)unused;
    frames_left = 3;
    assert_int_equal(arch_map(KERNEL, FRAME, PROTECTION_WRITE), 0);
    uint64_t entry = entry_at(KERNEL);
    control_forgotten_all = 0;
    arch_gate(KERNEL + PAGE_SIZE, false);
    assert_false(gate_entry(KERNEL) & WRITABLE);
    assert_int_equal(control_forgotten_all, 1);
    arch_gate(KERNEL, true);
    assert_true(gate_entry(KERNEL) & WRITABLE);
    assert_int_equal(entry_at(KERNEL), entry);
}

static void test_flushes(void **unused)
{
    (void)unused;
    control_forgotten_all = 0;
    arch_flush_all();
    assert_int_equal(control_forgotten_all, 1);
}

/* An empty root in frame 1, with flags in CR3's low bits. */
static int start(void **unused)
{
    (void)unused;
    void *memory = mmap((void *)DIRECT_MAP_BASE, FRAMES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    machine_cpu_start();
    control_root = PAGE_SIZE | 0x18;
    next_frame = 2;
    frames_left = FRAMES - 2;
    return memory == (void *)DIRECT_MAP_BASE ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_map_makes_the_entry, start),
        cmocka_unit_test_setup(test_user_half_is_not_global, start),
        cmocka_unit_test_setup(test_map_refuses, start),
        cmocka_unit_test_setup(test_map_without_memory, start),
        cmocka_unit_test_setup(test_unmap, start),
        cmocka_unit_test_setup(test_protect_small_page, start),
        cmocka_unit_test_setup(test_split_2_mib, start),
        cmocka_unit_test_setup(test_split_2_mib_ordinary, start),
        cmocka_unit_test_setup(test_split_1_gib, start),
        cmocka_unit_test_setup(test_prepare_tables, start),
        cmocka_unit_test_setup(test_gate, start),
        cmocka_unit_test_setup(test_flushes, start),
    };
    return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
