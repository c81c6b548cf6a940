/*
 * console_slot.h - the slot `console`: a text on its way to the devices.
 */
#ifndef CORE_CONSOLE_SLOT_H
#define CORE_CONSOLE_SLOT_H

#include "core/record_slot.h"
#include <moult/console.h>

extern const struct slot_type console_slot_type;
extern const struct record_slot console_record_slot;

/* The built-in policy: core/fallback/console_both.c. */
extern const struct console_ops console_both_ops;

/*
 * Writes a text to the devices as the occupant chooses; plainly to all if there is none, or it fails. Any context; by
 * the owner of the consoles.
 */
void console_slot_write(enum console_kind kind, const char *text, size_t length);

/* Writes to all devices, every "\n" as "\r\n", whatever the occupant. For panics; and as above. */
void console_write_plainly(const char *text, size_t length);

#endif
