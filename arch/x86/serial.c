/*
 * serial.c - the two serial ports, 16550A: 115,200 baud, 8 data bits, no parity, one stop bit.
 *
 * Output is polled, so that it works in any context; input raises an interrupt. A port whose transmitter does not
 * become empty is stuck: what is written then is dropped after one look each, until it is empty again, so that output
 * never hangs the kernel.
 *
 * Entry points: arch_serial_init(), arch_serial_write(), arch_serial_listen(), arch_serial_take(). Concurrency: writers
 * of a port are serialised by the caller, and so are its readers, who touch the receiver's registers only.
 */
#include "arch/x86/serial.h"
#include "arch/x86/ports.h"
#include <arch/cpu.h>
#include <arch/machine.h>

/*
 * Registers of the PC16550D, relative to the port's base. The first two are the divisor's halves while
 * LINE_CONTROL_DIVISOR is set.
 */
#define DATA 0
#define INTERRUPT_ENABLE 1
#define INTERRUPT_IDENTITY 2 /* read */
#define FIFO_CONTROL 2       /* written */
#define LINE_CONTROL 3
#define MODEM_CONTROL 4
#define LINE_STATUS 5
#define SCRATCH 7

#define INTERRUPT_RECEIVED 0x01
#define FIFO_ON_CLEAR 0x07   /* both FIFOs on and emptied, an interrupt for each byte */
#define FIFO_ON_CLEAR_8 0x87 /* the same, an interrupt for each 8 bytes, or when fewer have waited */
#define LINE_CONTROL_8N1 0x03
#define LINE_CONTROL_DIVISOR 0x80
#define MODEM_READY 0x03     /* DTR and RTS */
#define MODEM_INTERRUPT 0x08 /* OUT2, which gates the interrupt line in a PC */
#define STATUS_RECEIVED 0x01
#define STATUS_TRANSMITTER_EMPTY 0x20
#define STATUS_ALL_SENT 0x40

#define DIVISOR_115200 1
#define POLLS_MAX 1000000u /* far longer than a character takes: 87 microseconds */
#define PORTS 2

/* What is typed on the first one is to be seen at once; on the second come streams. */
static struct port {
    uint16_t base;
    uint8_t fifo;
    bool present;
    bool stuck;
} ports[PORTS] = {{.base = 0x3f8, .fifo = FIFO_ON_CLEAR}, {.base = 0x2f8, .fifo = FIFO_ON_CLEAR_8}};

/* A register that keeps what is written into it tells a port from an empty bus. */
static bool probe(const struct port *port)
{
    static const uint8_t patterns[] = {0x5a, 0xa5};

    for (unsigned i = 0; i < sizeof patterns; i++) {
        port_write8(port->base + SCRATCH, patterns[i]);
        if (port_read8(port->base + SCRATCH) != patterns[i])
            return false;
    }
    return true;
}

static void init(struct port *port)
{
    port->present = probe(port);
    if (!port->present)
        return;
    port_write8(port->base + INTERRUPT_ENABLE, 0);
    port_write8(port->base + LINE_CONTROL, LINE_CONTROL_DIVISOR);
    port_write8(port->base + DATA, DIVISOR_115200);
    port_write8(port->base + DATA + 1, 0);
    port_write8(port->base + LINE_CONTROL, LINE_CONTROL_8N1);
    port_write8(port->base + FIFO_CONTROL, port->fifo);
    port_write8(port->base + MODEM_CONTROL, MODEM_READY | MODEM_INTERRUPT);
}

void arch_serial_init(void)
{
    for (unsigned i = 0; i < PORTS; i++)
        init(&ports[i]);
}

static bool wait_for(const struct port *port, uint8_t status)
{
    for (unsigned polls = port->stuck ? 1 : POLLS_MAX; polls; polls--) {
        if (port_read8(port->base + LINE_STATUS) & status)
            return true;
        arch_relax();
    }
    return false;
}

static void send(struct port *port, char byte)
{
    port->stuck = !wait_for(port, STATUS_TRANSMITTER_EMPTY);
    if (!port->stuck)
        port_write8(port->base + DATA, byte);
}

void arch_serial_write(const char *text, size_t length)
{
    for (size_t i = 0; ports[0].present && i < length; i++)
        send(&ports[0], text[i]);
}

void serial_drain(void)
{
    if (ports[0].present)
        wait_for(&ports[0], STATUS_ALL_SENT);
}

void arch_serial_send(unsigned port, char byte)
{
    if (ports[port].present)
        send(&ports[port], byte);
}

bool arch_serial_present(unsigned port)
{
    return ports[port].present;
}

void arch_serial_listen(unsigned port)
{
    port_write8(ports[port].base + INTERRUPT_ENABLE, INTERRUPT_RECEIVED);
}

/*
 * The I/O APIC sees edges: the port must be left without a pending interrupt, or none would ever come again. Reading
 * the identity ends one that has no byte to it.
 */
int arch_serial_take(unsigned port)
{
    uint16_t base = ports[port].base;

    if (port_read8(base + LINE_STATUS) & STATUS_RECEIVED)
        return port_read8(base + DATA);
    port_read8(base + INTERRUPT_IDENTITY);
    return port_read8(base + LINE_STATUS) & STATUS_RECEIVED ? port_read8(base + DATA) : -1;
}
