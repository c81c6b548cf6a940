/*
 * fpu.h - the floating-point and vector registers of threads that ask for them.
 *
 * The kernel itself is compiled without them. A thread that did not ask gets #NM at its first such instruction.
 */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include <stdbool.h>
#include <stddef.h>

#define ARCH_FPU_ALIGNMENT 64 /* of an area: XSAVE's, SDM volume 1, 13.4 */

/* Bytes of an area that holds the registers of one thread. After arch_cpu_features_init(). */
size_t arch_fpu_bytes(void);

/* Fills an area with what a fresh thread has: all exceptions masked, all registers 0. */
void arch_fpu_init_state(void *area);

/* Between the registers and an area, interrupts off, while the unit is allowed. */
void arch_fpu_save(void *area);
void arch_fpu_restore(const void *area);

/* Lets what runs on this CPU from now on use the unit, or makes it raise #NM. Interrupts off. */
void arch_fpu_allow(bool allowed);

#endif
