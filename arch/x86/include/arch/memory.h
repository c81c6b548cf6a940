/*
 * memory.h - the layout of the kernel's addresses, and its page tables.
 *
 * One kernel address space. All memory is seen through the direct map, not executable; what is mapped executable or
 * read-only elsewhere is read-only in the direct map too, so that no frame is ever both writable and executable.
 */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096ul
#define PAGE_MASK (PAGE_SIZE - 1)

#define DIRECT_MAP_BASE 0xffff800000000000ul /* all memory, up to 64 TiB */
#define DIRECT_MAP_SIZE 0x0000400000000000ul
#define VM_BASE 0xffffc00000000000ul /* stacks, heap spans, devices: core/vm.c */
#define VM_SIZE 0x0000010000000000ul
#define THREAD_TABLE_BASE 0xffffd00000000000ul /* core/thread.c */
#define THREAD_TABLE_SIZE 0x0000000040000000ul
#define KERNEL_BASE 0xffffffff80000000ul  /* the image, at physical address + KERNEL_BASE */
#define MODULES_BASE 0xffffffffa0000000ul /* in reach of a 32-bit displacement from the image */
#define MODULES_SIZE 0x0000000040000000ul

typedef uint64_t physical_address;

/* What a mapping allows. Reading always; writing and executing never together. */
enum protection {
    PROTECTION_READ = 0,
    PROTECTION_WRITE = 1,
    PROTECTION_EXECUTE = 2,
    PROTECTION_UNCACHED = 4, /* device registers */
};

static inline void *physical_to_virtual(physical_address address)
{
    return (void *)(DIRECT_MAP_BASE + address);
}

/* The physical address of a byte seen through the direct map. */
static inline physical_address virtual_to_physical(const void *direct)
{
    return (uintptr_t)direct - DIRECT_MAP_BASE;
}

/*
 * Maps one page at `address` (page aligned, not mapped before) to `frame`. Takes frames for page tables from
 * frames_alloc(). Returns -ENOMEM, or -EEXIST where something is mapped, nothing changed; -EINVAL for write with
 * execute or an address that is none. Any context; takes the page-table lock.
 */
int arch_map(uintptr_t address, physical_address frame, unsigned protection);

/*
 * Makes the page tables for `bytes` at `address` (aligned to 2 MiB), so that mapping pages there takes no frames.
 * -ENOMEM: some were made. Any context; takes the page-table lock.
 */
int arch_prepare_tables(uintptr_t address, size_t bytes);

/*
 * Changes the protection of one mapped page, splitting a large page if need be: -ENOMEM then; -EINVAL as for
 * arch_map(), and where nothing is mapped. What is uncached stays so. Other CPUs' TLBs are the caller's.
 */
int arch_protect(uintptr_t address, unsigned protection);

/*
 * Removes the mapping of one page and returns its frame, 0 if there was none, or a large one. Other CPUs' TLBs are the
 * caller's business.
 */
physical_address arch_unmap(uintptr_t address);

/*
 * Closes the ARCH_GATE_BYTES around `address`, in which a page has been mapped before, to all writes, whatever the
 * pages' own protection; or opens them. Flushes this CPU's translations; the others' are the caller's.
 */
#define ARCH_GATE_BYTES 0x200000ul
void arch_gate(uintptr_t address, bool open);

/* The frame and protection of a mapped address; false if there is none. */
bool arch_translate(uintptr_t address, physical_address *frame, unsigned *protection);

/* How many frames were taken for page tables: they stay, for the next mapping near by. Any context. */
uint64_t arch_table_frames(void);

/* Forgets all of this CPU's cached translations, global ones too. */
void arch_flush_all(void);

#endif
