/*
 * scancode.h - from the scan codes of set 1 to the bytes that a serial terminal would send, for ISRs of keyboards.
 *
 * Shift, control and caps lock; keys without a character of their own come as ANSI sequences. Nothing here allocates
 * or takes a lock; the state is the caller's, in the form in which an ISR's record has it.
 */
#ifndef MOULT_SCANCODE_H
#define MOULT_SCANCODE_H

#include <moult/irq.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Codes that are no characters. A released key's code has the top bit set. */
#define SCAN_RELEASED 0x80
#define SCAN_CONTROL 0x1d
#define SCAN_SHIFT_LEFT 0x2a
#define SCAN_SHIFT_RIGHT 0x36
#define SCAN_CAPS_LOCK 0x3a
#define SCAN_EXTENDED 0xe0 /* one more byte, of the keys that the first PC did not have */
#define SCAN_PAUSE 0xe1    /* two more bytes */

#define SCAN_CODES 0x57   /* that may have a character */
#define SCAN_TEXT_BYTES 5 /* capacity for what one byte gives, terminator included */

/* What is printed on the keys, by scan code: without and with shift. 0: no character. */
struct scan_layout {
    char plain[SCAN_CODES], shifted[SCAN_CODES];
};

/* The United States' layout. */
#define SCAN_LAYOUT_US                                                                         \
    {                                                                                          \
        .plain = "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ",   \
        .shifted = "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ", \
    }

static inline void scan_hold(struct irq_keys *keys, uint16_t key, bool pressed)
{
    keys->held = (uint16_t)(pressed ? keys->held | key : keys->held & ~key);
}

/* Is it an extended key that a terminal has something for? */
static inline const char *scan_extended(uint8_t code)
{
    switch (code) {
    case 0x1c: /* Enter of the number block */
        return "\r";
    case 0x35: /* of the number block */
        return "/";
    case 0x48: /* up */
        return "\033[A";
    case 0x50: /* down */
        return "\033[B";
    case 0x4d: /* right */
        return "\033[C";
    case 0x4b: /* left */
        return "\033[D";
    case 0x47: /* home */
        return "\033[H";
    case 0x4f: /* end */
        return "\033[F";
    case 0x49: /* page up */
        return "\033[5~";
    case 0x51: /* page down */
        return "\033[6~";
    case 0x53: /* delete */
        return "\033[3~";
    default:
        return "";
    }
}

/* The character of a key that was pressed, 0: none. */
static inline char scan_character(const struct irq_keys *keys, const struct scan_layout *layout, uint8_t code)
{
    bool shift = keys->held & (IRQ_KEY_SHIFT_LEFT | IRQ_KEY_SHIFT_RIGHT);
    char plain = code < SCAN_CODES ? layout->plain[code] : 0, shifted = plain ? layout->shifted[code] : 0;
    if (plain >= 'a' && plain <= 'z' && keys->held & IRQ_KEY_CAPS_LOCK)
        shift = !shift;
    if (keys->held & (IRQ_KEY_CONTROL_LEFT | IRQ_KEY_CONTROL_RIGHT) && shifted >= '@' && shifted <= '_')
        return (char)(shifted & 0x1f);
    return shift ? shifted : plain;
}

static inline char scan_key(struct irq_keys *keys, const struct scan_layout *layout, uint8_t code)
{
    bool pressed = !(code & SCAN_RELEASED);
    switch (code & ~SCAN_RELEASED) {
    case SCAN_SHIFT_LEFT:
        scan_hold(keys, IRQ_KEY_SHIFT_LEFT, pressed);
        return 0;
    case SCAN_SHIFT_RIGHT:
        scan_hold(keys, IRQ_KEY_SHIFT_RIGHT, pressed);
        return 0;
    case SCAN_CONTROL:
        scan_hold(keys, IRQ_KEY_CONTROL_LEFT, pressed);
        return 0;
    case SCAN_CAPS_LOCK:
        keys->held ^= pressed ? IRQ_KEY_CAPS_LOCK : 0;
        return 0;
    default:
        return pressed ? scan_character(keys, layout, code) : 0;
    }
}

/* Takes one byte of the stream. `text` gets what it gives, perhaps nothing, at most SCAN_TEXT_BYTES with the end. */
static inline void scan_byte(struct irq_keys *keys, const struct scan_layout *layout, uint8_t byte, char *text)
{
    text[0] = text[1] = 0;
    if (keys->skip) {
        keys->skip--;
    } else if (byte == SCAN_EXTENDED) {
        keys->prefix = byte;
    } else if (byte == SCAN_PAUSE) {
        keys->skip = 2;
    } else if (keys->prefix) {
        keys->prefix = 0;
        if ((byte & ~SCAN_RELEASED) == SCAN_CONTROL)
            scan_hold(keys, IRQ_KEY_CONTROL_RIGHT, !(byte & SCAN_RELEASED));
        else
            for (const char *from = scan_extended(byte); (*text = *from); from++)
                text++;
    } else {
        text[0] = scan_key(keys, layout, byte);
    }
}

#endif
