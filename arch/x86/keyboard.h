/*
 * keyboard.h - what the rest of arch/x86 asks of the keyboard besides the functions of arch/machine.h.
 */
#ifndef ARCH_X86_KEYBOARD_H
#define ARCH_X86_KEYBOARD_H

/* Asks the controller to pulse the CPU's reset line. Returns if it did not. */
void keyboard_reset_machine(void);

#endif
