/*
 * vm.c - reserving kernel addresses, and mapping frames and devices there.
 *
 * No frame is ever writable in one place and executable in another, not even for a CPU that still has old translations:
 * what allows less is done first, then every CPU forgets, then what allows more is done. A frame is free only after
 * every CPU has forgotten it.
 *
 * Entry points: core/vm.h. Concurrency: the vm lock guards the ranges and counts alone; the mapping itself is done
 * without it, as only the one who reserved a range maps in it. Interrupts are never off for longer than O(log n) in the
 * number of ranges.
 */
#include "core/vm.h"
#include "core/fault.h"
#include "core/frames.h"
#include "core/lock.h"
#include "core/panic.h"
#include "core/ranges.h"
#include "core/rendezvous.h"
#include <moult/errors.h>
#include <string.h>

/*
 * Modules' addresses are used in turn, so that a call into the text of one that has left faults and can be attributed.
 * The page tables of those addresses are made at once, so that modules that come and go leave no memory behind.
 */
#define MODULES_TURN (64ul << 20)

static struct {
    struct spinlock lock;       /* guards all below */
    struct range_area areas[2]; /* by enum vm_area */
    struct vm_count count;
} vm;

void vm_init(void)
{
    ranges_init(&vm.areas[VM_GENERAL], VM_BASE, VM_SIZE);
    ranges_init(&vm.areas[VM_MODULES], MODULES_BASE, MODULES_SIZE);
    ranges_take_turns(&vm.areas[VM_MODULES], MODULES_TURN);
    if (arch_prepare_tables(MODULES_BASE, MODULES_TURN) != 0)
        panic("there is no memory for the modules' page tables; give the machine more");
}

static struct range_area *area_of(uintptr_t address)
{
    return address - MODULES_BASE < MODULES_SIZE ? &vm.areas[VM_MODULES] : &vm.areas[VM_GENERAL];
}

/* The reserved range in which all of a part lies. Panics if there is none. The lock is held. */
static struct range *range_around(uintptr_t address, size_t pages)
{
    struct range *range = range_find(area_of(address), address);

    if (!range || address < range_start(range) ||
        pages > range_pages(range) - (address - range_start(range)) / PAGE_SIZE)
        panic("%lu pages at 0x%lx are not part of a reserved range of addresses", pages, address);
    return range;
}

/* Notes that the number of pages mapped in a part's range has changed. */
static void account(uintptr_t address, size_t pages, intptr_t change)
{
    unsigned long flags = spin_lock_save(&vm.lock);

    range_around(address, pages)->mapped += change;
    vm.count.mapped_pages += change;
    spin_unlock_restore(&vm.lock, flags);
}

void *vm_reserve(enum vm_area area, size_t pages, size_t alignment)
{
    ASSERT(alignment >= PAGE_SIZE && !(alignment & (alignment - 1)));
    if (fault_due())
        return NULL;
    unsigned long flags = spin_lock_save(&vm.lock);
    struct range *range = range_take(&vm.areas[area], pages, alignment);
    if (range) {
        vm.count.ranges++;
        vm.count.reserved_pages += pages;
    }
    spin_unlock_restore(&vm.lock, flags);
    return range ? (void *)range_start(range) : NULL;
}

void vm_release(void *address)
{
    unsigned long flags = spin_lock_save(&vm.lock);
    struct range *range = range_around((uintptr_t)address, 1);

    if (range_start(range) != (uintptr_t)address)
        panic("the range of addresses that was released at %p begins elsewhere", address);
    if (range->mapped)
        panic("the range of addresses at %p was released with %lu pages mapped in it", address, range->mapped);
    vm.count.ranges--;
    vm.count.reserved_pages -= range_pages(range);
    range_give(area_of((uintptr_t)address), range);
    spin_unlock_restore(&vm.lock, flags);
}

/*
 * Sets each page's protection, or that of its frame's alias in the direct map. Nothing is to be split there any more.
 */
static void protect_each(uintptr_t address, size_t pages, unsigned protection, bool alias)
{
    physical_address frame;
    unsigned present;

    for (uintptr_t end = address + pages * PAGE_SIZE; address < end; address += PAGE_SIZE) {
        ASSERT(arch_translate(address, &frame, &present));
        ASSERT(arch_protect(alias ? (uintptr_t)physical_to_virtual(frame) : address, protection) == 0);
    }
}

/* Makes the aliases of a part's frames read-only. -ENOMEM: unchanged. */
static int close_aliases(uintptr_t address, size_t pages)
{
    physical_address frame;
    unsigned present;

    for (size_t i = 0; i < pages; i++) {
        ASSERT(arch_translate(address + i * PAGE_SIZE, &frame, &present));
        int error = arch_protect((uintptr_t)physical_to_virtual(frame), PROTECTION_READ);
        if (!error)
            continue;
        for (size_t back = 0; back < i; back++) {
            ASSERT(arch_translate(address + back * PAGE_SIZE, &frame, &present));
            if (present & PROTECTION_WRITE)
                protect_each(address + back * PAGE_SIZE, 1, PROTECTION_WRITE, true);
        }
        smp_flush_tlb();
        return error;
    }
    return 0;
}

/* All pages of the part are mapped. */
static int change_protection(uintptr_t address, size_t pages, unsigned protection)
{
    bool writable = protection & PROTECTION_WRITE;
    int error = writable ? 0 : close_aliases(address, pages);

    if (error)
        return error;
    protect_each(address, pages, PROTECTION_READ, false);
    smp_flush_tlb();
    if (protection == PROTECTION_READ)
        return 0;
    protect_each(address, pages, protection, false);
    if (writable)
        protect_each(address, pages, PROTECTION_WRITE, true);
    smp_flush_tlb();
    return 0;
}

int vm_protect(void *start, size_t pages, unsigned protection)
{
    uintptr_t address = (uintptr_t)start;
    physical_address frame;
    unsigned present;

    if ((protection & PROTECTION_WRITE && protection & PROTECTION_EXECUTE) || protection & PROTECTION_UNCACHED)
        return -EINVAL;
    account(address, pages, 0);
    for (size_t i = 0; i < pages; i++) {
        if (!arch_translate(address + i * PAGE_SIZE, &frame, &present))
            return -EINVAL;
    }
    return change_protection(address, pages, protection);
}

/* How many of a part's first pages are mapped, but not writable. */
static size_t closed_pages(uintptr_t address, size_t pages)
{
    physical_address frame;
    unsigned present;
    size_t count = 0;

    while (count < pages && arch_translate(address + count * PAGE_SIZE, &frame, &present) &&
           !(present & PROTECTION_WRITE))
        count++;
    return count;
}

/* Makes whatever is mapped in a part writable again, with its alias. */
static void open_part(uintptr_t address, size_t pages)
{
    for (size_t i = 0; i < pages; i++) { /* one more each time: the page that ended the closed ones is not closed */
        size_t count = closed_pages(address + i * PAGE_SIZE, pages - i);
        if (count)
            change_protection(address + i * PAGE_SIZE, count, PROTECTION_WRITE);
        i += count;
    }
}

/*
 * Unmaps what is mapped in a part, all writable, and frees the frames. In between they are chained through their first
 * words.
 */
static size_t unmap_and_free(uintptr_t address, size_t pages)
{
    physical_address chain = 0, *link;
    size_t count = 0;

    for (size_t i = 0; i < pages; i++) {
        physical_address frame = arch_unmap(address + i * PAGE_SIZE);
        if (!frame)
            continue;
        link = physical_to_virtual(frame);
        *link = chain;
        chain = frame;
        count++;
    }
    if (count)
        smp_flush_tlb();
    while (chain) {
        link = physical_to_virtual(chain);
        physical_address next = *link;
        frames_free(chain);
        chain = next;
    }
    return count;
}

int vm_populate(void *start, size_t pages, unsigned protection)
{
    uintptr_t address = (uintptr_t)start;

    if (protection !=
        PROTECTION_WRITE) /* there is nothing in fresh frames to read or execute: vm_protect() comes later */
        return -EINVAL;
    account(address, pages, (intptr_t)pages);
    for (size_t i = 0; i < pages; i++) {
        physical_address frame = frames_alloc();
        int error = frame ? arch_map(address + i * PAGE_SIZE, frame, protection) : -ENOMEM;
        if (!error)
            continue;
        if (frame)
            frames_free(frame);
        unmap_and_free(address, i);
        account(address, pages, -(intptr_t)pages);
        return error;
    }
    return 0;
}

void vm_depopulate(void *start, size_t pages)
{
    uintptr_t address = (uintptr_t)start;

    account(address, pages, 0);
    open_part(address, pages);
    size_t count = unmap_and_free(address, pages);
    account(address, pages, -(intptr_t)count);
}

void *vm_alloc(size_t pages, bool zeroed)
{
    void *address = vm_reserve(VM_GENERAL, pages, PAGE_SIZE);

    if (!address)
        return NULL;
    if (vm_populate(address, pages, PROTECTION_WRITE)) {
        vm_release(address);
        return NULL;
    }
    if (zeroed)
        memset(address, 0, pages * PAGE_SIZE);
    return address;
}

void vm_free(void *address)
{
    unsigned long flags = spin_lock_save(&vm.lock);
    size_t pages = range_pages(range_around((uintptr_t)address, 1));

    spin_unlock_restore(&vm.lock, flags);
    vm_depopulate(address, pages);
    vm_release(address);
}

/* Takes back what vm_map_device() mapped. The frames are the device's. */
static void unmap_device(uintptr_t address, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        arch_unmap(address + i * PAGE_SIZE);
    smp_flush_tlb();
}

void *vm_map_device(physical_address physical, size_t bytes)
{
    size_t inside = physical & PAGE_MASK, length;

    if (__builtin_add_overflow(inside, bytes, &length) || length > VM_SIZE)
        return NULL;
    size_t pages = (length + PAGE_MASK) / PAGE_SIZE;
    uintptr_t address = (uintptr_t)vm_reserve(VM_GENERAL, pages, PAGE_SIZE);
    if (!address)
        return NULL;
    for (size_t i = 0; i < pages; i++) {
        if (arch_map(address + i * PAGE_SIZE, physical - inside + i * PAGE_SIZE,
                     PROTECTION_WRITE | PROTECTION_UNCACHED)) {
            unmap_device(address, i);
            vm_release((void *)address);
            return NULL;
        }
    }
    account(address, pages, (intptr_t)pages);
    return (void *)(address + inside);
}

void vm_count(struct vm_count *count)
{
    unsigned long flags = spin_lock_save(&vm.lock);

    *count = vm.count;
    spin_unlock_restore(&vm.lock, flags);
}
