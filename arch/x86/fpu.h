/*
 * fpu.h - sets this CPU's floating-point unit up.
 */
#ifndef ARCH_X86_FPU_H
#define ARCH_X86_FPU_H

/*
 * Each CPU once, after its CR4 allows FXSAVE and, where there is one, XSAVE. The unit is then refused to everybody:
 * arch_fpu_allow().
 */
void fpu_init(void);

#endif
