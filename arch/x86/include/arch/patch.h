/*
 * patch.h - instructions that are written while nobody executes them: calls of slots, jumps over what is not wanted.
 */
#ifndef ARCH_PATCH_H
#define ARCH_PATCH_H

#include <stdint.h>

#define ARCH_PATCH_BYTES 5 /* call rel32, jmp rel32, or the no-operation of that length: SDM volume 2, NOP */
#define ARCH_NO_OPERATION ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00" /* for assembly: a place that can be patched */

/* Maps the alias through which patches are written, closed. Once, after vm_init(). -ENOMEM. */
int arch_patch_init(void);

/*
 * Opens and closes the alias. Context of all three: a rendezvous, or before other CPUs run and with interrupts off;
 * every CPU executes a serialising instruction and flushes its translations before it may come by (SDM volume 3,
 * 9.1.3).
 */
void arch_patch_begin(void);
void arch_patch_end(void);

/*
 * Between the two: makes the instruction at `site` a call of `target`, or a no-operation if `target` is 0. `target` is
 * in reach of a 32-bit displacement: modules and the kernel are.
 */
void arch_patch_call(uintptr_t site, uintptr_t target);

/* What the call at `site` leads to; 0: it is a no-operation. Any context. */
uintptr_t arch_patch_target(uintptr_t site);
/* The same with a jump to `target`. */
void arch_patch_jump(uintptr_t site, uintptr_t target);

#endif
