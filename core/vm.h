/*
 * vm.h - ranges of kernel addresses and what is mapped in them: stacks with guard pages, heap spans, device registers,
 * modules.
 */
#ifndef CORE_VM_H
#define CORE_VM_H

#include <arch/memory.h>
#include <stddef.h>
#include <stdint.h>

enum vm_area {
    VM_GENERAL, /* anywhere in VM_BASE … */
    VM_MODULES, /* in reach of the kernel's 32-bit relocations */
};

void vm_init(void);

/*
 * Reserves `pages` pages of addresses, with an unmapped guard page on both sides, aligned to `alignment` bytes (a power
 * of two, at least PAGE_SIZE). Nothing is mapped. NULL when there is none. Thread context or boot.
 */
void *vm_reserve(enum vm_area area, size_t pages, size_t alignment);

/* Releases a range reserved by vm_reserve(); nothing may be mapped in it any more. */
void vm_release(void *address);

/*
 * Reserves and maps `pages` fresh frames, readable and writable, content undefined unless `zeroed`. NULL: no memory,
 * nothing taken.
 */
void *vm_alloc(size_t pages, bool zeroed);

/*
 * Unmaps what is mapped in a range that vm_alloc() or vm_reserve() returned, gives the frames back, and releases the
 * range. Flushes every CPU's TLB; thread context, interrupts on.
 */
void vm_free(void *address);

/*
 * Maps fresh frames over part of a reserved range. -ENOMEM, or -EEXIST where something is mapped: what this call mapped
 * is taken back. -EINVAL: `protection` is not PROTECTION_WRITE; vm_protect() gives any other later.
 */
int vm_populate(void *address, size_t pages, unsigned protection);

/*
 * Unmaps and frees the frames of part of a reserved range, and flushes all CPUs; pages that are not mapped are passed
 * over.
 */
void vm_depopulate(void *address, size_t pages);

/*
 * Gives a populated part its final protection; where it becomes read-only or executable, the direct map's alias of its
 * frames becomes read-only as well (and writable again in vm_depopulate()). -ENOMEM, or -EINVAL for write with execute
 * or a page that is not mapped: unchanged. Flushes all CPUs.
 */
int vm_protect(void *address, size_t pages, unsigned protection);

/* Maps `bytes` of device registers at a physical address, uncached, for ever. NULL: no memory. Boot only. */
void *vm_map_device(physical_address address, size_t bytes);

/* Pages reserved and mapped now, for `mem` and `check`. */
struct vm_count {
    uint64_t ranges, reserved_pages, mapped_pages;
};
void vm_count(struct vm_count *count);

#endif
