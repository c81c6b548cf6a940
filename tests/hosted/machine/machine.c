/*
 * machine.c - the machine that machine.h describes: arch_map() and the others, and smp_flush_tlb().
 */
#define _GNU_SOURCE
#include "machine.h"
#include "core/rendezvous.h"
#include "cpu.h"
#include <arch/cpu.h>
#include <limits.h>
#include <moult/errors.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PRESENT 8u /* beside the bits of enum protection */

struct machine machine;
/* A mapping by page: the frame and its protection, PRESENT. Sparse. */
static uint64_t *general, *modules;

/* By frame. `stale`: what some CPU may still do through an old translation. */
static struct {
    unsigned mapping, alias, stale;
    bool unmapped;
    bool split; /* the direct map has a small page for it */
} state[MACHINE_FRAMES_MAX];

static int memory_file;

static uint64_t *sparse(size_t entries)
{
    void *memory = mmap(NULL, entries * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

void machine_start(size_t frames)
{
    machine = (struct machine){.frames = frames, .splits_that_work = UINT_MAX, .maps_that_work = UINT_MAX};
    memset(state, 0, sizeof state);
    for (size_t i = 0; i < frames; i++)
        state[i].alias = PROTECTION_WRITE;
    memory_file = memfd_create("memory", 0);
    assert_int_equal(ftruncate(memory_file, (off_t)(frames * PAGE_SIZE)), 0);
    void *direct = mmap((void *)DIRECT_MAP_BASE, frames * PAGE_SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED_NOREPLACE, memory_file, 0);
    assert_ptr_equal(direct, (void *)DIRECT_MAP_BASE);
    general = sparse(VM_SIZE / PAGE_SIZE);
    modules = sparse(MODULES_SIZE / PAGE_SIZE);
    machine_cpu_start();
}

void machine_stop(void)
{
    munmap((void *)DIRECT_MAP_BASE, machine.frames * PAGE_SIZE);
    munmap((void *)VM_BASE, VM_SIZE);
    munmap((void *)MODULES_BASE, MODULES_SIZE);
    munmap(general, VM_SIZE / PAGE_SIZE * sizeof(uint64_t));
    munmap(modules, MODULES_SIZE / PAGE_SIZE * sizeof(uint64_t));
    close(memory_file);
}

/* The entry of a page outside the direct map; NULL for an address that is nobody's. */
static uint64_t *entry_of(uintptr_t address)
{
    if (address - VM_BASE < VM_SIZE)
        return general + (address - VM_BASE) / PAGE_SIZE;
    return address - MODULES_BASE < MODULES_SIZE ? modules + (address - MODULES_BASE) / PAGE_SIZE : NULL;
}

static size_t frame_number(uint64_t entry)
{
    return (entry & ~PAGE_MASK) / PAGE_SIZE;
}

static int host_protection(unsigned protection)
{
    return PROT_READ | (protection & PROTECTION_WRITE ? PROT_WRITE : 0);
}

/* No frame may be written by one CPU and executed by another, old translations included. */
static void check_frame(size_t number)
{
    unsigned allowed = state[number].mapping | state[number].alias | state[number].stale;

    if (allowed & PROTECTION_EXECUTE && allowed & PROTECTION_WRITE)
        fail_msg("frame %zu can be written and executed", number);
}

int arch_map(uintptr_t address, physical_address frame, unsigned protection)
{
    uint64_t *entry = entry_of(address);
    size_t number = frame / PAGE_SIZE;

    assert_non_null(entry);
    assert_int_equal(address & PAGE_MASK, 0);
    if (machine.maps_that_work == 0)
        return -ENOMEM;
    if (machine.maps_that_work != UINT_MAX)
        machine.maps_that_work--;
    if (*entry & PRESENT)
        return -EEXIST;
    *entry = frame | protection | PRESENT;
    machine.mapped++;
    if (protection & PROTECTION_UNCACHED)
        return 0; /* a device: no memory of ours */
    assert_true(number < machine.frames);
    assert_false(state[number].unmapped);
    state[number].mapping = protection;
    check_frame(number);
    void *page = mmap((void *)address, PAGE_SIZE, host_protection(protection), MAP_SHARED | MAP_FIXED, memory_file,
                      (off_t)frame);
    assert_ptr_equal(page, (void *)address);
    return 0;
}

static int protect_alias(uintptr_t address, unsigned protection)
{
    size_t number = (address - DIRECT_MAP_BASE) / PAGE_SIZE;

    assert_true(number < machine.frames);
    if (!state[number].split && machine.splits_that_work == 0)
        return -ENOMEM;
    if (!state[number].split && machine.splits_that_work != UINT_MAX)
        machine.splits_that_work--;
    state[number].split = true;
    state[number].stale |= state[number].alias & ~protection;
    state[number].alias = protection;
    check_frame(number);
    assert_int_equal(mprotect((void *)address, PAGE_SIZE, host_protection(protection)), 0);
    return 0;
}

/* There are no tables here that could be missing. */
int arch_prepare_tables(uintptr_t address, size_t bytes)
{
    (void)address, (void)bytes;
    return 0;
}

int arch_protect(uintptr_t address, unsigned protection)
{
    if (address - DIRECT_MAP_BASE < machine.frames * PAGE_SIZE)
        return protect_alias(address, protection);
    uint64_t *entry = entry_of(address);
    assert_non_null(entry);
    if (!(*entry & PRESENT))
        return -EINVAL;
    size_t number = frame_number(*entry);
    *entry = (*entry & ~PAGE_MASK) | protection | PRESENT;
    state[number].stale |= state[number].mapping & ~protection;
    state[number].mapping = protection;
    check_frame(number);
    assert_int_equal(mprotect((void *)address, PAGE_SIZE, host_protection(protection)), 0);
    return 0;
}

physical_address arch_unmap(uintptr_t address)
{
    uint64_t *entry = entry_of(address), old;

    assert_non_null(entry);
    old = *entry;
    if (!(old & PRESENT))
        return 0;
    *entry = 0;
    machine.mapped--;
    if (!(old & PROTECTION_UNCACHED)) {
        size_t number = frame_number(old);
        state[number].stale |= state[number].mapping;
        state[number].mapping = 0;
        state[number].unmapped = true;
        assert_int_equal(munmap((void *)address, PAGE_SIZE), 0);
    }
    return old & ~PAGE_MASK;
}

bool arch_translate(uintptr_t address, physical_address *frame, unsigned *protection)
{
    uint64_t *entry = entry_of(address);

    if (!entry || !(*entry & PRESENT))
        return false;
    *frame = *entry & ~PAGE_MASK;
    *protection = *entry & (PRESENT - 1);
    return true;
}

void smp_flush_tlb(void)
{
    assert_true(machine_interrupts); /* and so no lock is held */
    machine.flushes++;
    for (size_t i = 0; i < machine.frames; i++) {
        state[i].stale = 0;
        state[i].unmapped = false;
    }
}

void machine_forget_splits(void)
{
    for (size_t i = 0; i < machine.frames; i++)
        state[i].split = false;
}

unsigned machine_alias(physical_address frame)
{
    return state[frame / PAGE_SIZE].alias;
}

bool machine_reachable(physical_address frame)
{
    return state[frame / PAGE_SIZE].unmapped;
}
