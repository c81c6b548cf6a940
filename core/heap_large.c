/*
 * heap_large.c - heap blocks that have pages of their own, and the tree that knows them by address.
 *
 * Entry points: core/heap_large.h. Concurrency: one lock, O(log n) under it; pages come and go with no lock held.
 */
#include "core/heap_large.h"
#include "core/heap.h"
#include "core/lock.h"
#include "core/vm.h"
#include <moult/tree.h>

/* One block; itself a small block of the heap. */
struct large {
    struct tree_node node; /* first; by address */
    uintptr_t address;
    size_t pages;
};

/* Under `lock`. */
static struct {
    struct spinlock lock;
    struct tree blocks;
    uint64_t count, pages;
} large;

static bool before(const struct tree_node *a, const struct tree_node *b)
{
    return ((const struct large *)a)->address < ((const struct large *)b)->address;
}

/* The lock is held. */
static struct large *find(const void *block)
{
    struct tree_node *node = large.blocks.root;

    while (node && ((struct large *)node)->address != (uintptr_t)block)
        node = node->child[((struct large *)node)->address < (uintptr_t)block];
    return (struct large *)node;
}

void *large_alloc(size_t bytes)
{
    if (bytes > VM_SIZE)
        return NULL;
    size_t pages = (bytes + PAGE_MASK) / PAGE_SIZE;
    struct large *block = heap_alloc(sizeof *block);
    void *address = block ? vm_alloc(pages, false) : NULL;
    if (!address) {
        heap_free(block);
        return NULL;
    }
    block->address = (uintptr_t)address;
    block->pages = pages;
    unsigned long flags = spin_lock_save(&large.lock);
    tree_insert(&large.blocks, &block->node, before, NULL);
    large.count++;
    large.pages += pages;
    spin_unlock_restore(&large.lock, flags);
    return address;
}

bool large_free(void *address)
{
    unsigned long flags = spin_lock_save(&large.lock);
    struct large *block = find(address);

    if (block) {
        tree_remove(&large.blocks, &block->node, NULL);
        large.count--;
        large.pages -= block->pages;
    }
    spin_unlock_restore(&large.lock, flags);
    if (!block)
        return false;
    heap_free(block);
    vm_free(address);
    return true;
}

size_t large_bytes(const void *address)
{
    unsigned long flags = spin_lock_save(&large.lock);
    struct large *block = find(address);
    size_t bytes = block ? block->pages * PAGE_SIZE : 0;

    spin_unlock_restore(&large.lock, flags);
    return bytes;
}

void large_count(struct heap_count *count)
{
    unsigned long flags = spin_lock_save(&large.lock);

    count->blocks += large.count;
    count->bytes += large.pages * PAGE_SIZE;
    count->spans += large.count;
    count->pages += large.pages;
    spin_unlock_restore(&large.lock, flags);
}

uintptr_t large_check(void)
{
    uintptr_t end = 0;
    uint64_t count = 0;
    physical_address frame;
    unsigned protection;

    for (struct tree_node *node = large.blocks.first; node; node = tree_step(node, 1)) {
        const struct large *block = (const struct large *)node;
        uintptr_t last = block->address + (block->pages - 1) * PAGE_SIZE;
        if (block->address < end || ++count > large.count || !arch_translate(block->address, &frame, &protection) ||
            !arch_translate(last, &frame, &protection))
            return block->address;
        end = last + PAGE_SIZE;
    }
    return 0;
}
