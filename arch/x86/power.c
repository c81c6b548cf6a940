/*
 * power.c - switching the machine off, and starting it anew.
 *
 * Entry points: arch_power_off(), arch_reboot(). Concurrency: called once, by whoever ends the run; in a panic too.
 */
#include "arch/x86/firmware.h"
#include "arch/x86/keyboard.h"
#include "arch/x86/ports.h"
#include "arch/x86/serial.h"
#include <arch/cpu.h>
#include <arch/machine.h>

#define QEMU_EXIT_PORT 0xf4  /* isa-debug-exit: QEMU ends with status (value << 1) | 1 */
#define QEMU_EXIT_VALUE 0x10 /* 33, which QEMU itself never ends with */
#define BOCHS_EXIT_PORT 0x8900

/* The PM1 control register: ACPI 6.3, table 4.13. */
#define CONTROL_ENABLED (1u << 0)
#define CONTROL_TYPE_SHIFT 10
#define CONTROL_TYPE (7u << CONTROL_TYPE_SHIFT)
#define CONTROL_SLEEP (1u << 13)
#define POLLS_MAX 1000000u

static void emulator_exit(void)
{
    for (const char *word = "Shutdown"; *word; word++)
        port_write8(BOCHS_EXIT_PORT, *word);
    port_write8(QEMU_EXIT_PORT, QEMU_EXIT_VALUE);
}

static void sleep_in(uint16_t port, uint8_t type)
{
    if (port)
        port_write16(port, (port_read16(port) & ~CONTROL_TYPE) | type << CONTROL_TYPE_SHIFT | CONTROL_SLEEP);
}

static void acpi_sleep(const struct acpi_facts *facts)
{
    if (!facts->can_sleep || !facts->control_a)
        return;
    if (facts->enable_port && facts->enable_value && !(port_read16(facts->control_a) & CONTROL_ENABLED)) {
        port_write8(facts->enable_port, facts->enable_value);
        for (unsigned polls = 0; polls < POLLS_MAX && !(port_read16(facts->control_a) & CONTROL_ENABLED); polls++)
            arch_relax();
    }
    sleep_in(facts->control_a, facts->sleep_a);
    sleep_in(facts->control_b, facts->sleep_b);
    for (unsigned polls = 0; polls < POLLS_MAX; polls++)
        arch_relax();
}

void arch_power_off(void)
{
    serial_drain();
    emulator_exit();
    acpi_sleep(firmware_facts());
}

/*
 * An exception without an interrupt table, then one in its handling, and so on: the CPU shuts down, and the machine
 * resets.
 */
static _Noreturn void triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) nothing;

    __asm__ volatile("lidt %0; int3" ::"m"(nothing));
    for (;;)
        arch_relax();
}

void arch_reboot(void)
{
    const struct acpi_facts *facts = firmware_facts();

    arch_interrupts_disable();
    serial_drain();
    if (facts->reset_port)
        port_write8(facts->reset_port, facts->reset_value);
    keyboard_reset_machine();
    triple_fault();
}
