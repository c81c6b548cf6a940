/*
 * patch.c - writes calls and jumps into read-only text, through a writable alias that exists only for the length of
 * one write.
 *
 * The one exception to "never both writable and executable", on one CPU, all others being held.
 */
#include "core/panic.h"
#include "core/vm.h"
#include <arch/memory.h>
#include <arch/patch.h>
#include <moult/errors.h>
#include <string.h>

#define ALIAS_PAGES 2 /* an instruction may lie across two pages */

static uint8_t *alias;

int arch_patch_init(void)
{
    alias = vm_reserve(VM_GENERAL, ALIAS_PAGES, PAGE_SIZE);
    if (!alias)
        return -ENOMEM;
    /* Populated and emptied once, so that the page tables are there for ever and mapping cannot fail. */
    if (vm_populate(alias, ALIAS_PAGES, PROTECTION_WRITE) != 0)
        return -ENOMEM;
    vm_depopulate(alias, ALIAS_PAGES);
    return 0;
}

static void write_text(uintptr_t site, const uint8_t *bytes, size_t length)
{
    uintptr_t page = site & ~PAGE_MASK;
    physical_address frame;
    unsigned protection, pages = 0;
    for (; page < site + length; page += PAGE_SIZE, pages++)
        if (!arch_translate(page, &frame, &protection) ||
            arch_map((uintptr_t)alias + pages * PAGE_SIZE, frame & ~PAGE_MASK, PROTECTION_WRITE) != 0)
            panic("what is to be patched, at %p, is not mapped", (void *)site);
    memcpy(alias + (site & PAGE_MASK), bytes, length);
    while (pages-- > 0) {
        arch_unmap((uintptr_t)alias + pages * PAGE_SIZE);
        arch_flush_page((uintptr_t)alias + pages * PAGE_SIZE);
    }
}

static void patch(uintptr_t site, uint8_t operation, uintptr_t target)
{
    static const uint8_t no_operation[ARCH_PATCH_BYTES] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
    uint8_t instruction[ARCH_PATCH_BYTES] = {operation};
    int64_t distance = (int64_t)(target - (site + ARCH_PATCH_BYTES));
    int32_t displacement = (int32_t)distance;
    if (target == 0) {
        write_text(site, no_operation, sizeof(no_operation));
        return;
    }
    ASSERT(distance == displacement);
    memcpy(instruction + 1, &displacement, sizeof(displacement));
    write_text(site, instruction, sizeof(instruction));
}

void arch_patch_call(uintptr_t site, uintptr_t target)
{
    patch(site, 0xe8, target);
}

void arch_patch_jump(uintptr_t site, uintptr_t target)
{
    patch(site, 0xe9, target);
}
