/*
 * backtrace.c - the walk along frame pointers, for `bt` and for panics.
 */
#include "core/backtrace.h"
#include <arch/memory.h>
#include <arch/trap.h>

bool backtrace_readable(uintptr_t address)
{
    physical_address where;
    unsigned protection;
    return address % 8 == 0 && arch_translate(address, &where, &protection);
}

/* An interrupt's entry calls arch_trap() with its trap frame on top of the stack: right above this frame. */
static uintptr_t return_address(const uintptr_t *words)
{
    const struct trap_frame *trap = (const struct trap_frame *)(words + 2);
    return words[1] == (uintptr_t)arch_trap_return && backtrace_readable((uintptr_t)&trap->rip) ? trap->rip : words[1];
}

size_t backtrace(uintptr_t frame, uintptr_t *found, size_t capacity)
{
    size_t count = 0;
    while (count < capacity && backtrace_readable(frame) && backtrace_readable(frame + 8)) {
        const uintptr_t *words = (const uintptr_t *)frame;
        if (words[1])
            found[count++] = return_address(words);
        if (words[0] <= frame)
            break;
        frame = words[0];
    }
    return count;
}
