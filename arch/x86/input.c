/*
 * input.c - turns on the devices that bytes are typed on.
 *
 * Entry point: arch_input_init(). Concurrency: once, on the bootstrap CPU.
 */
#include "arch/x86/keyboard.h"
#include "arch/x86/serial.h"
#include "core/log.h"
#include <arch/interrupts.h>
#include <arch/machine.h>

#define LINE_KEYBOARD 1
#define LINE_SERIAL 4

/*
 * The line comes first: a byte that is there already must find somebody to take its edge, so each handler looks once
 * by itself.
 */
void arch_input_init(void)
{
    if (arch_line_enable(LINE_SERIAL, 0) == 0)
        serial_input_init();
    else
        log_line("input: no interrupt controller has line %d; the serial port shows output only", LINE_SERIAL);

    if (!keyboard_input_init())
        log_line("input: there is no keyboard controller that answers; type on the serial port");
    else if (arch_line_enable(LINE_KEYBOARD, 0) != 0)
        log_line("input: no interrupt controller has line %d; the keyboard cannot be used", LINE_KEYBOARD);
}
