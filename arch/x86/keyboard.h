/*
 * keyboard.h - what the rest of arch/x86 asks of the keyboard besides arch_keyboard_interrupt().
 */
#ifndef ARCH_X86_KEYBOARD_H
#define ARCH_X86_KEYBOARD_H

#include <stdbool.h>

/* Sets the controller up to raise line 1 for keys; false when there is no controller. */
bool keyboard_input_init(void);

/* Asks the controller to pulse the CPU's reset line. Returns if it did not. */
void keyboard_reset_machine(void);

#endif
