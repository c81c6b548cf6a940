/*
 * serial.c - the first serial port, a 16550A: 115,200 baud, 8 data bits, no parity, one stop bit.
 *
 * Output is polled, so that it works in any context; input comes by interrupt. A port whose transmitter does not
 * become empty is stuck: what is written then is dropped after one look each, until it is empty again, so that output
 * never hangs the kernel.
 *
 * Entry points: arch_serial_init(), arch_serial_write(), arch_serial_interrupt(). Concurrency: writers are serialised
 * by the caller; the handler touches the receiver's registers only.
 */
#include "arch/x86/serial.h"
#include "arch/x86/ports.h"
#include "core/console.h"
#include <arch/cpu.h>
#include <arch/machine.h>

/*
 * Registers of the PC16550D, relative to COM1. The first two are the divisor's halves while LINE_CONTROL_DIVISOR is
 * set.
 */
#define COM1 0x3f8
#define DATA (COM1 + 0)
#define INTERRUPT_ENABLE (COM1 + 1)
#define INTERRUPT_IDENTITY (COM1 + 2) /* read */
#define FIFO_CONTROL (COM1 + 2)       /* written */
#define LINE_CONTROL (COM1 + 3)
#define MODEM_CONTROL (COM1 + 4)
#define LINE_STATUS (COM1 + 5)
#define SCRATCH (COM1 + 7)

#define INTERRUPT_RECEIVED 0x01
#define IDENTITY_NONE 0x01 /* no interrupt is pending */
#define FIFO_ON_CLEAR 0x07 /* both FIFOs on and emptied, an interrupt for each byte */
#define LINE_CONTROL_8N1 0x03
#define LINE_CONTROL_DIVISOR 0x80
#define MODEM_READY 0x03     /* DTR and RTS */
#define MODEM_INTERRUPT 0x08 /* OUT2, which gates the interrupt line in a PC */
#define STATUS_RECEIVED 0x01
#define STATUS_TRANSMITTER_EMPTY 0x20
#define STATUS_ALL_SENT 0x40

#define DIVISOR_115200 1
#define POLLS_MAX 1000000u /* far longer than a character takes: 87 microseconds */
#define BYTES_MAX 256u     /* taken in one interrupt */

static struct {
    bool present;
    bool stuck;
} serial;

/* A register that keeps what is written into it tells a port from an empty bus. */
static bool probe(void)
{
    static const uint8_t patterns[] = {0x5a, 0xa5};

    for (unsigned i = 0; i < sizeof patterns; i++) {
        port_write8(SCRATCH, patterns[i]);
        if (port_read8(SCRATCH) != patterns[i])
            return false;
    }
    return true;
}

void arch_serial_init(void)
{
    serial.present = probe();
    if (!serial.present)
        return;
    port_write8(INTERRUPT_ENABLE, 0);
    port_write8(LINE_CONTROL, LINE_CONTROL_DIVISOR);
    port_write8(DATA, DIVISOR_115200);
    port_write8(DATA + 1, 0);
    port_write8(LINE_CONTROL, LINE_CONTROL_8N1);
    port_write8(FIFO_CONTROL, FIFO_ON_CLEAR);
    port_write8(MODEM_CONTROL, MODEM_READY | MODEM_INTERRUPT);
}

static bool wait_for(uint8_t status)
{
    for (unsigned polls = serial.stuck ? 1 : POLLS_MAX; polls; polls--) {
        if (port_read8(LINE_STATUS) & status)
            return true;
        arch_relax();
    }
    return false;
}

void arch_serial_write(const char *text, size_t length)
{
    if (!serial.present)
        return;
    for (size_t i = 0; i < length; i++) {
        serial.stuck = !wait_for(STATUS_TRANSMITTER_EMPTY);
        if (!serial.stuck)
            port_write8(DATA, text[i]);
    }
}

void serial_drain(void)
{
    if (serial.present)
        wait_for(STATUS_ALL_SENT);
}

void serial_input_init(void)
{
    if (serial.present)
        port_write8(INTERRUPT_ENABLE, INTERRUPT_RECEIVED);
}

/*
 * The I/O APIC sees edges: the port must be left without a pending interrupt, or none would ever come again. If bytes
 * come without end, the enable bit, taken away and given back, makes a new edge for the rest.
 */
void arch_serial_interrupt(void)
{
    unsigned bytes = 0;

    if (!serial.present)
        return;
    while (!(port_read8(INTERRUPT_IDENTITY) & IDENTITY_NONE)) {
        while (bytes < BYTES_MAX && (port_read8(LINE_STATUS) & STATUS_RECEIVED)) {
            console_input(port_read8(DATA));
            bytes++;
        }
        if (bytes++ >= BYTES_MAX) {
            port_write8(INTERRUPT_ENABLE, 0);
            port_write8(INTERRUPT_ENABLE, INTERRUPT_RECEIVED);
            return;
        }
    }
}
