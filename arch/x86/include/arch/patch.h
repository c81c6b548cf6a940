/*
 * patch.h - the call instructions of slots, written while nobody executes them.
 */
#ifndef ARCH_PATCH_H
#define ARCH_PATCH_H

#include <stdint.h>

#define ARCH_CALL_BYTES 5 /* call rel32, or the no-operation of that length */

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

#endif
