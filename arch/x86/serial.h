/*
 * serial.h - what the rest of arch/x86 asks of the serial port besides the functions of arch/machine.h.
 */
#ifndef ARCH_X86_SERIAL_H
#define ARCH_X86_SERIAL_H

/*
 * Waits, for a bounded time, until the last character written has left the port: an emulator that is ended before
 * loses it.
 */
void serial_drain(void);

#endif
