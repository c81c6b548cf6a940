/*
 * memory.h - stands in for arch/x86/include/arch/memory.h in hosted tests, by coming first in the order of includes.
 *
 * The layout is one that a process can have; the functions are the same, and tests/hosted/machine/machine.c supplies
 * them.
 */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096ul
#define PAGE_MASK (PAGE_SIZE - 1)

#define DIRECT_MAP_BASE 0x180000000000ul
#define VM_BASE 0x200000000000ul
#define VM_SIZE 0x2000000000ul
#define MODULES_BASE 0x300000000000ul
#define MODULES_SIZE 0x40000000ul

typedef uint64_t physical_address;

enum protection {
    PROTECTION_READ = 0,
    PROTECTION_WRITE = 1,
    PROTECTION_EXECUTE = 2,
    PROTECTION_UNCACHED = 4,
};

static inline void *physical_to_virtual(physical_address address)
{
    return (void *)(DIRECT_MAP_BASE + address);
}

static inline physical_address virtual_to_physical(const void *direct)
{
    return (uintptr_t)direct - DIRECT_MAP_BASE;
}

int arch_map(uintptr_t address, physical_address frame, unsigned protection);
int arch_prepare_tables(uintptr_t address, size_t bytes);
int arch_protect(uintptr_t address, unsigned protection);
physical_address arch_unmap(uintptr_t address);
bool arch_translate(uintptr_t address, physical_address *frame, unsigned *protection);
uint64_t arch_table_frames(void);
void arch_gate(uintptr_t address, bool open);
void arch_flush_all(void);

#endif
