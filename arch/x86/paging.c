/*
 * paging.c - the kernel's page tables: mapping, protecting and removing single pages.
 *
 * Four-level tables (SDM volume 3, 4.5), reached through the direct map from the root that CR3 names. A table's frame,
 * once in use, is never freed: so what reads an entry needs no lock, and an entry changes in one store. Tables
 * themselves allow everything, but for the one that arch_gate() closes; the last entry alone decides. Never is that
 * writable and executable.
 *
 * Entry points: arch_map(), arch_protect(), arch_unmap(), arch_translate(), arch_table_frames(). Concurrency: changes
 * under one lock, interrupts off, bounded by the depth of the tables and one split. The caller flushes other CPUs.
 */
#include "arch/x86/control.h"
#include "core/frames.h"
#include "core/lock.h"
#include <arch/memory.h>
#include <moult/errors.h>

#define ENTRY_PRESENT (1ul << 0)
#define ENTRY_WRITABLE (1ul << 1)
#define ENTRY_WRITE_THROUGH (1ul << 3)
#define ENTRY_CACHE_DISABLED (1ul << 4)
#define ENTRY_LARGE (1ul << 7)    /* above the last level: this entry maps a page */
#define ENTRY_PAT_PAGE (1ul << 7) /* at the last level: the third bit of the memory type */
#define ENTRY_GLOBAL (1ul << 8)
#define ENTRY_PAT_LARGE (1ul << 12) /* the same bit's place in a large page's entry */
#define ENTRY_NO_EXECUTE (1ul << 63)
#define ENTRY_ADDRESS 0x000ffffffffff000ul

#define ENTRIES 512
#define INDEX_BITS 9
#define PAGE_SHIFT 12
#define TOP_LEVEL 4 /* levels as the manual counts them: 1 maps pages of 4 KiB, 2 of 2 MiB, 3 of 1 GiB */
#define GATE_LEVEL 2
#define KERNEL_HALF 0xffff800000000000ul
#define USER_HALF_END 0x0000800000000000ul

static struct spinlock table_lock;
static uint64_t tables; /* frames taken for tables; changes under the lock */

/* How many bytes one entry of a level covers. */
static inline uint64_t level_bytes(unsigned level)
{
    return PAGE_SIZE << INDEX_BITS * (level - 1);
}

static inline bool canonical(uintptr_t address)
{
    return address < USER_HALF_END || address >= KERNEL_HALF;
}

static inline volatile uint64_t *table_entry(physical_address table, uintptr_t address, unsigned level)
{
    volatile uint64_t *entries = physical_to_virtual(table);

    return entries + (address >> (PAGE_SHIFT + INDEX_BITS * (level - 1))) % ENTRIES;
}

static inline bool maps_page(uint64_t entry, unsigned level)
{
    return level == 1 || (entry & ENTRY_LARGE);
}

/*
 * The entry that maps `address`, or the one at which the way down ends because it is not present. `level` becomes its
 * level.
 */
static volatile uint64_t *find_entry(uintptr_t address, unsigned *level)
{
    physical_address table = control_translation_root() & ENTRY_ADDRESS;

    for (unsigned at = TOP_LEVEL;; at--) {
        volatile uint64_t *entry = table_entry(table, address, at);
        uint64_t value = *entry;
        if (!(value & ENTRY_PRESENT) || maps_page(value, at)) {
            *level = at;
            return entry;
        }
        table = value & ENTRY_ADDRESS;
    }
}

/* The bits of an entry that a protection decides. */
static uint64_t protection_bits(unsigned protection)
{
    return (protection & PROTECTION_WRITE ? ENTRY_WRITABLE : 0) |
           (protection & PROTECTION_EXECUTE ? 0 : ENTRY_NO_EXECUTE) |
           (protection & PROTECTION_UNCACHED ? ENTRY_WRITE_THROUGH | ENTRY_CACHE_DISABLED : 0);
}

static bool valid(uintptr_t address, unsigned protection)
{
    unsigned known = PROTECTION_WRITE | PROTECTION_EXECUTE | PROTECTION_UNCACHED;
    unsigned both = PROTECTION_WRITE | PROTECTION_EXECUTE;

    return canonical(address) && !(address & PAGE_MASK) && !(protection & ~known) && (protection & both) != both;
}

/* Puts an empty table below an entry that is not present. */
static int add_table(volatile uint64_t *entry)
{
    physical_address table = frames_alloc_zeroed();

    if (!table)
        return -ENOMEM;
    tables++;
    *entry = table | ENTRY_PRESENT | ENTRY_WRITABLE;
    return 0;
}

/* Puts a table below a large page's entry that maps the same memory in the same way, in pages of the next size. */
static int split(volatile uint64_t *entry, unsigned level)
{
    physical_address table = frames_alloc();
    uint64_t value = *entry;

    if (!table)
        return -ENOMEM;
    tables++;
    physical_address frame = value & ENTRY_ADDRESS & ~(level_bytes(level) - 1);
    uint64_t flags = value & ~(ENTRY_ADDRESS & ~ENTRY_PAT_LARGE);
    if (level == 2)
        flags = (flags & ~(ENTRY_PAT_LARGE | ENTRY_LARGE)) | (value & ENTRY_PAT_LARGE ? ENTRY_PAT_PAGE : 0);
    uint64_t *entries = physical_to_virtual(table);
    for (unsigned i = 0; i < ENTRIES; i++)
        entries[i] = (frame + i * level_bytes(level - 1)) | flags;
    __atomic_store_n(entry, table | ENTRY_PRESENT | ENTRY_WRITABLE, __ATOMIC_RELEASE);
    return 0;
}

/* Adds what tables are missing on the way down to the page at `address`. */
static int complete_tables(uintptr_t address)
{
    unsigned level;
    volatile uint64_t *entry = find_entry(address, &level);
    int error = 0;

    while (level > 1 && !(*entry & ENTRY_PRESENT) && !error) {
        error = add_table(entry);
        entry = find_entry(address, &level);
    }
    return error;
}

static int map_locked(uintptr_t address, uint64_t value)
{
    unsigned level;
    int error = complete_tables(address);
    volatile uint64_t *entry = find_entry(address, &level);

    if (error)
        return error;
    if (*entry & ENTRY_PRESENT)
        return -EEXIST;
    *entry = value;
    return 0;
}

int arch_map(uintptr_t address, physical_address frame, unsigned protection)
{
    if (!valid(address, protection) || (frame & ~ENTRY_ADDRESS))
        return -EINVAL;
    uint64_t value = frame | ENTRY_PRESENT | protection_bits(protection) | (address >= KERNEL_HALF ? ENTRY_GLOBAL : 0);
    unsigned long flags = spin_lock_save(&table_lock);
    int error = map_locked(address, value);
    spin_unlock_restore(&table_lock, flags);
    return error;
}

int arch_prepare_tables(uintptr_t address, size_t bytes)
{
    int error = 0;

    for (uintptr_t end = address + bytes; address < end && !error; address += level_bytes(2)) {
        unsigned long flags = spin_lock_save(&table_lock);
        error = complete_tables(address);
        spin_unlock_restore(&table_lock, flags);
    }
    return error;
}

static int protect_locked(uintptr_t address, unsigned protection)
{
    unsigned level;
    volatile uint64_t *entry = find_entry(address, &level);

    while (level > 1 && (*entry & ENTRY_PRESENT)) {
        int error = split(entry, level);
        if (error)
            return error;
        entry = find_entry(address, &level);
    }
    uint64_t value = *entry;
    if (!(value & ENTRY_PRESENT))
        return -EINVAL;
    *entry = (value & ~(ENTRY_WRITABLE | ENTRY_NO_EXECUTE)) | protection_bits(protection);
    control_forget_page(address);
    return 0;
}

int arch_protect(uintptr_t address, unsigned protection)
{
    if (!valid(address, protection))
        return -EINVAL;
    unsigned long flags = spin_lock_save(&table_lock);
    int error = protect_locked(address, protection);
    spin_unlock_restore(&table_lock, flags);
    return error;
}

physical_address arch_unmap(uintptr_t address)
{
    physical_address frame = 0;
    unsigned level;
    unsigned long flags = spin_lock_save(&table_lock);
    volatile uint64_t *entry = find_entry(address, &level);

    if (level == 1 && (*entry & ENTRY_PRESENT)) {
        frame = *entry & ENTRY_ADDRESS;
        *entry = 0;
        control_forget_page(address);
    }
    spin_unlock_restore(&table_lock, flags);
    return frame;
}

bool arch_translate(uintptr_t address, physical_address *frame, unsigned *protection)
{
    unsigned level;

    if (!canonical(address))
        return false;
    uint64_t value = *find_entry(address, &level);
    if (!(value & ENTRY_PRESENT))
        return false;
    uint64_t inside = level_bytes(level) - 1;
    *frame = ((value & ENTRY_ADDRESS & ~inside) | (address & inside)) & ~PAGE_MASK;
    *protection = (value & ENTRY_WRITABLE ? PROTECTION_WRITE : 0) |
                  (value & ENTRY_NO_EXECUTE ? 0 : PROTECTION_EXECUTE) |
                  (value & ENTRY_CACHE_DISABLED ? PROTECTION_UNCACHED : 0);
    return true;
}

void arch_gate(uintptr_t address, bool open)
{
    physical_address table = control_translation_root() & ENTRY_ADDRESS;
    volatile uint64_t *entry = table_entry(table, address, TOP_LEVEL);

    for (unsigned at = TOP_LEVEL - 1; at >= GATE_LEVEL; at--)
        entry = table_entry(*entry & ENTRY_ADDRESS, address, at);
    *entry = open ? *entry | ENTRY_WRITABLE : *entry & ~ENTRY_WRITABLE;
    control_forget_all();
}

void arch_flush_all(void)
{
    control_forget_all();
}

uint64_t arch_table_frames(void)
{
    return __atomic_load_n(&tables, __ATOMIC_RELAXED);
}
