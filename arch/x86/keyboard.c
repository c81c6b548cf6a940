/*
 * keyboard.c - the PS/2 keyboard: from scan codes of set 1 to the bytes that a serial terminal would send.
 *
 * The controller translates to set 1. US layout with shift, control and caps lock; keys without a character of their
 * own come as ANSI sequences. Every wait for the controller is bounded.
 *
 * Entry points: arch_keyboard_interrupt(), keyboard_input_init(). Concurrency: the handler alone uses the state, on
 * one CPU.
 */
#include "arch/x86/keyboard.h"
#include "arch/x86/ports.h"
#include "core/console.h"
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
#define BYTES_MAX 64u /* taken in one interrupt, or thrown away at the start */

/* Scan codes of set 1 that are no characters. A released key's code has the top bit set. */
#define SCAN_RELEASED 0x80
#define SCAN_CONTROL 0x1d
#define SCAN_SHIFT_LEFT 0x2a
#define SCAN_SHIFT_RIGHT 0x36
#define SCAN_CAPS_LOCK 0x3a
#define SCAN_EXTENDED 0xe0 /* one more byte, of the keys that the first PC did not have */
#define SCAN_PAUSE 0xe1    /* two more bytes */

static struct {
    bool shift_left, shift_right, control_left, control_right;
    bool caps_lock;
    bool extended;
    uint8_t skip; /* bytes still to be ignored */
} keyboard;

/* By scan code: without and with shift. 0: no character. */
static const char plain[] = {
    0,    '\x1b', '1', '2',  '3', '4', '5', '6', '7',  '8', '9', '0', '-', '=', '\x7f', '\t', 'q', 'w', 'e', 'r',
    't',  'y',    'u', 'i',  'o', 'p', '[', ']', '\r', 0,   'a', 's', 'd', 'f', 'g',    'h',  'j', 'k', 'l', ';',
    '\'', '`',    0,   '\\', 'z', 'x', 'c', 'v', 'b',  'n', 'm', ',', '.', '/', 0,      '*',  0,   ' ',
};
static const char shifted[] = {
    0,   '\x1b', '!', '@', '#', '$', '%', '^', '&',  '*', '(', ')', '_', '+', '\x7f', '\t', 'Q', 'W', 'E', 'R',
    'T', 'Y',    'U', 'I', 'O', 'P', '{', '}', '\r', 0,   'A', 'S', 'D', 'F', 'G',    'H',  'J', 'K', 'L', ':',
    '"', '~',    0,   '|', 'Z', 'X', 'C', 'V', 'B',  'N', 'M', '<', '>', '?', 0,      '*',  0,   ' ',
};
_Static_assert(sizeof plain == sizeof shifted, "one key each");

/* Keys after SCAN_EXTENDED, and what a terminal sends for them. */
static const struct {
    uint8_t code;
    char sequence[5];
} extended_keys[] = {
    {0x1c, "\r"},      /* Enter of the number block */
    {0x35, "/"},       /* of the number block */
    {0x48, "\x1b[A"},  /* up */
    {0x50, "\x1b[B"},  /* down */
    {0x4d, "\x1b[C"},  /* right */
    {0x4b, "\x1b[D"},  /* left */
    {0x47, "\x1b[H"},  /* home */
    {0x4f, "\x1b[F"},  /* end */
    {0x49, "\x1b[5~"}, /* page up */
    {0x51, "\x1b[6~"}, /* page down */
    {0x53, "\x1b[3~"}, /* delete */
};

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

bool keyboard_input_init(void)
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

static void type(const char *text)
{
    while (*text)
        console_input(*text++);
}

static void extended_key(uint8_t code)
{
    bool pressed = !(code & SCAN_RELEASED);

    if ((code & ~SCAN_RELEASED) == SCAN_CONTROL)
        keyboard.control_right = pressed;
    for (unsigned i = 0; pressed && i < sizeof extended_keys / sizeof *extended_keys; i++) {
        if (extended_keys[i].code == code)
            type(extended_keys[i].sequence);
    }
}

static void character_key(uint8_t code)
{
    bool shift = keyboard.shift_left || keyboard.shift_right;

    if (code >= sizeof plain || !plain[code])
        return;
    bool letter = plain[code] >= 'a' && plain[code] <= 'z';
    if (letter && keyboard.caps_lock)
        shift = !shift;
    char character = shift ? shifted[code] : plain[code];
    if ((keyboard.control_left || keyboard.control_right) && shifted[code] >= '@' && shifted[code] <= '_')
        character = shifted[code] & 0x1f;
    console_input(character);
}

static void key(uint8_t code)
{
    bool pressed = !(code & SCAN_RELEASED);

    switch (code & ~SCAN_RELEASED) {
    case SCAN_SHIFT_LEFT:
        keyboard.shift_left = pressed;
        break;
    case SCAN_SHIFT_RIGHT:
        keyboard.shift_right = pressed;
        break;
    case SCAN_CONTROL:
        keyboard.control_left = pressed;
        break;
    case SCAN_CAPS_LOCK:
        keyboard.caps_lock ^= pressed;
        break;
    default:
        if (pressed)
            character_key(code);
    }
}

static void scan_byte(uint8_t byte)
{
    if (keyboard.skip) {
        keyboard.skip--;
    } else if (byte == SCAN_EXTENDED) {
        keyboard.extended = true;
    } else if (byte == SCAN_PAUSE) {
        keyboard.skip = 2;
    } else if (keyboard.extended) {
        keyboard.extended = false;
        extended_key(byte);
    } else {
        key(byte);
    }
}

void arch_keyboard_interrupt(void)
{
    for (unsigned i = 0; i < BYTES_MAX; i++) {
        uint8_t status = port_read8(CONTROLLER_STATUS);
        if (!(status & STATUS_OUTPUT_FULL))
            return;
        uint8_t byte = port_read8(CONTROLLER_DATA);
        if (!(status & STATUS_FROM_MOUSE))
            scan_byte(byte);
    }
}
