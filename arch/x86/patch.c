/*
 * patch.c - writes calls and jumps into read-only text, through an alias of it that is writable only in between
 * arch_patch_begin() and arch_patch_end().
 *
 * The one exception to "never both writable and executable", on one CPU, all others being held. The alias is closed
 * and opened as a whole, by one bit: a patch is on the way of every swap, during which nobody is served.
 */
#include "core/panic.h"
#include "core/vm.h"
#include <arch/memory.h>
#include <arch/patch.h>
#include <moult/errors.h>

/* call rel32, jmp rel32, and the NOP of five bytes: SDM volume 2, CALL, JMP and NOP. */
#define OPCODE_CALL 0xe8
#define OPCODE_JUMP 0xe9
#define OPCODE_NOP 0x0f
#define NOP_REST 0x0000441f

extern char text_start[], text_end[];

static uint8_t *alias; /* of text_start */

int arch_patch_init(void)
{
    size_t bytes = (size_t)(text_end - text_start);
    ASSERT(bytes <= ARCH_GATE_BYTES);
    alias = vm_reserve(VM_GENERAL, ARCH_GATE_BYTES / PAGE_SIZE, ARCH_GATE_BYTES); /* all that the gate closes */
    if (!alias)
        return -ENOMEM;
    for (size_t offset = 0; offset < bytes; offset += PAGE_SIZE)
        if (arch_map((uintptr_t)alias + offset, (uintptr_t)text_start + offset - KERNEL_BASE, PROTECTION_WRITE) != 0)
            return -ENOMEM;
    arch_patch_end();
    return 0;
}

void arch_patch_begin(void)
{
    arch_gate((uintptr_t)alias, true);
}

void arch_patch_end(void)
{
    arch_gate((uintptr_t)alias, false);
}

/* An opcode of one byte, and four bytes that belong to it. */
struct instruction {
    uint8_t opcode;
    uint32_t rest;
} __attribute__((packed));

_Static_assert(sizeof(struct instruction) == ARCH_PATCH_BYTES, "written as one");

static void write_text(uintptr_t site, uint8_t opcode, uint32_t rest)
{
    *(struct instruction *)(alias + (site - (uintptr_t)text_start)) = (struct instruction){opcode, rest};
}

static void patch(uintptr_t site, uint8_t operation, uintptr_t target)
{
    int64_t distance = (int64_t)(target - (site + ARCH_PATCH_BYTES));
    if (target == 0) {
        write_text(site, OPCODE_NOP, NOP_REST);
        return;
    }
    ASSERT(distance == (int32_t)distance);
    write_text(site, operation, (uint32_t)distance);
}

void arch_patch_call(uintptr_t site, uintptr_t target)
{
    patch(site, OPCODE_CALL, target);
}

void arch_patch_jump(uintptr_t site, uintptr_t target)
{
    patch(site, OPCODE_JUMP, target);
}

uintptr_t arch_patch_target(uintptr_t site)
{
    const struct instruction *instruction = (const struct instruction *)site;
    if (instruction->opcode != OPCODE_CALL && instruction->opcode != OPCODE_JUMP)
        return 0;
    return site + ARCH_PATCH_BYTES + (intptr_t)(int32_t)instruction->rest;
}
