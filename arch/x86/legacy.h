/*
 * legacy.h - quiets the devices of the first PC that nobody listens to any more.
 */
#ifndef ARCH_X86_LEGACY_H
#define ARCH_X86_LEGACY_H

/*
 * Masks the two 8259A for ever, and stops the ticks of the PIT and of the real-time clock. Bootstrap CPU, once,
 * interrupts off.
 */
void legacy_silence(void);

#endif
