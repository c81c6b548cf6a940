/*
 * keyboard.c - the controller of the PS/2 keyboard, which translates to scan codes of set 1. Every wait for it is
 * bounded.
 *
 * Entry points: arch_keyboard_init(), arch_keyboard_take(). Concurrency: callers are serialised.
 */
#include "arch/x86/keyboard.h"
#include "arch/x86/ports.h"
#include <arch/cpu.h>
#include <arch/machine.h>

/* The controller, an 8042. */
#define CONTROLLER_DATA 0x60
#define CONTROLLER_STATUS 0x64  /* read */
#define CONTROLLER_COMMAND 0x64 /* written */
#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL 0x02
#define STATUS_FROM_MOUSE 0x20
#define STATUS_ABSENT 0xff
#define COMMAND_READ_CONFIGURATION 0x20
#define COMMAND_WRITE_CONFIGURATION 0x60
#define COMMAND_MOUSE_OFF 0xa7
#define COMMAND_KEYBOARD_ON 0xae
#define COMMAND_RESET_MACHINE 0xfe
#define CONFIGURATION_KEYBOARD_INTERRUPT 0x01
#define CONFIGURATION_MOUSE_INTERRUPT 0x02
#define CONFIGURATION_TRANSLATE 0x40

#define POLLS_MAX 100000u
#define BYTES_MAX 64u /* thrown away at the start, or of the mouse at once */

static bool wait_clear(uint8_t status)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        if (!(port_read8(CONTROLLER_STATUS) & status))
            return true;
        arch_relax();
    }
    return false;
}

static bool command(uint8_t value)
{
    if (!wait_clear(STATUS_INPUT_FULL))
        return false;
    port_write8(CONTROLLER_COMMAND, value);
    return true;
}

static bool read_answer(uint8_t *value)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        if (port_read8(CONTROLLER_STATUS) & STATUS_OUTPUT_FULL) {
            *value = port_read8(CONTROLLER_DATA);
            return true;
        }
        arch_relax();
    }
    return false;
}

static void throw_away_input(void)
{
    for (unsigned i = 0; i < BYTES_MAX && (port_read8(CONTROLLER_STATUS) & STATUS_OUTPUT_FULL); i++)
        port_read8(CONTROLLER_DATA);
}

bool arch_keyboard_init(void)
{
    uint8_t configuration;

    if (port_read8(CONTROLLER_STATUS) == STATUS_ABSENT)
        return false;
    if (!command(COMMAND_MOUSE_OFF))
        return false;
    throw_away_input();
    if (!command(COMMAND_READ_CONFIGURATION) || !read_answer(&configuration))
        return false;
    configuration |= CONFIGURATION_KEYBOARD_INTERRUPT | CONFIGURATION_TRANSLATE;
    configuration &= ~CONFIGURATION_MOUSE_INTERRUPT;
    if (!command(COMMAND_WRITE_CONFIGURATION) || !wait_clear(STATUS_INPUT_FULL))
        return false;
    port_write8(CONTROLLER_DATA, configuration);
    if (!command(COMMAND_KEYBOARD_ON))
        return false;
    throw_away_input();
    return true;
}

void keyboard_reset_machine(void)
{
    if (command(COMMAND_RESET_MACHINE))
        wait_clear(STATUS_INPUT_FULL);
}

int arch_keyboard_take(void)
{
    for (unsigned i = 0; i < BYTES_MAX; i++) {
        uint8_t status = port_read8(CONTROLLER_STATUS);
        if (!(status & STATUS_OUTPUT_FULL))
            return -1;
        uint8_t byte = port_read8(CONTROLLER_DATA);
        if (!(status & STATUS_FROM_MOUSE))
            return byte;
    }
    return -1;
}
