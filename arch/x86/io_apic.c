/*
 * io_apic.c - the machine's interrupt lines: which CPU gets which, as which vector.
 *
 * A line below 16 is one as the first PC numbered it; the firmware's overrides say at which pin of which controller it
 * is, and how it is triggered. The others are pins. Only physical destinations and fixed delivery are used.
 *
 * Entry points: io_apic_init(), arch_line_*(). Concurrency: one spin lock, innermost.
 */
#include "arch/x86/io_apic.h"
#include "arch/x86/firmware.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/vm.h"
#include <arch/interrupts.h>
#include <arch/trap.h>
#include <moult/errors.h>

/* Registers: 82093AA data sheet, 3. The select register names which one the window shows. */
#define SELECT 0x00
#define WINDOW 0x10
#define REGISTER_BYTES 0x20
#define VERSION 0x01
#define VERSION_ABSENT 0xffffffffu
#define REDIRECTION 0x10 /* two registers a pin, the low half first */
#define PINS_MAX 240u

#define ENTRY_DELIVER_NMI (4u << 8)
#define ENTRY_LOW_ACTIVE (1u << 13)
#define ENTRY_REMOTE_IRR (1u << 14) /* a level was accepted by a CPU and not ended: read only */
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_MASKED (1u << 16)
#define ENTRY_VECTOR 0xffu
#define ENTRY_CPU_SHIFT 24
#define ENTRY_APIC_ID_MAX 0xfeu

#define LINE_CASCADE 2 /* joins the two legacy controllers: no device's */
#define LINES 24

struct controller {
    volatile uint32_t *registers;
    uint32_t first_line, pins;
};

static struct {
    struct spinlock lock; /* protects everything here after io_apic_init(), and the controllers' registers */
    struct controller controllers[ACPI_IO_APICS_MAX];
    unsigned count;
    bool routed[LINES];
    uint8_t cpu[LINES];
} io_apics;

static uint32_t read_register(const struct controller *controller, unsigned index)
{
    controller->registers[SELECT / 4] = index;
    return controller->registers[WINDOW / 4];
}

static void write_register(const struct controller *controller, unsigned index, uint32_t value)
{
    controller->registers[SELECT / 4] = index;
    controller->registers[WINDOW / 4] = value;
}

static void add_controller(const struct acpi_io_apic *found)
{
    struct controller *controller = &io_apics.controllers[io_apics.count];

    controller->registers = vm_map_device(found->address, REGISTER_BYTES);
    if (!controller->registers)
        panic("no memory to map the I/O APIC at 0x%lx; give the machine more", found->address);
    uint32_t version = read_register(controller, VERSION);
    if (version == VERSION_ABSENT) {
        log_line("interrupts: the firmware lists an I/O APIC at 0x%lx, but nothing answers there", found->address);
        return;
    }
    controller->first_line = found->first_line;
    controller->pins = (version >> 16 & 0xff) + 1;
    if (controller->pins > PINS_MAX)
        controller->pins = PINS_MAX;
    for (unsigned pin = 0; pin < controller->pins; pin++) {
        write_register(controller, REDIRECTION + 2 * pin, ENTRY_MASKED);
        write_register(controller, REDIRECTION + 2 * pin + 1, 0);
    }
    io_apics.count++;
}

void io_apic_init(void)
{
    const struct acpi_facts *facts = firmware_facts();

    for (unsigned i = 0; i < facts->io_apic_count; i++)
        add_controller(&facts->io_apics[i]);
}

/* Where a line comes in, counted over all controllers, and how. */
static struct acpi_line pin_of(unsigned line)
{
    return line < ACPI_ISA_LINES ? firmware_facts()->isa_lines[line] : (struct acpi_line){.global = line};
}

/* The controller and redirection register of a line; NULL if there is none. */
static const struct controller *find_pin(unsigned line, unsigned *reg)
{
    if (line >= LINES || line == LINE_CASCADE)
        return NULL;
    uint32_t global = pin_of(line).global;
    for (unsigned i = 0; i < io_apics.count; i++) {
        const struct controller *controller = &io_apics.controllers[i];
        if (global >= controller->first_line && global - controller->first_line < controller->pins) {
            *reg = REDIRECTION + 2 * (global - controller->first_line);
            return controller;
        }
    }
    return NULL;
}

int arch_line_enable(unsigned line, unsigned cpu, enum arch_trigger trigger)
{
    unsigned reg;
    const struct controller *controller = find_pin(line, &reg);

    if (!controller)
        return -ENOENT;
    uint32_t apic_id = firmware_apic_id(cpu);
    if (apic_id > ENTRY_APIC_ID_MAX)
        return -ERANGE;
    struct acpi_line pin = pin_of(line);
    bool level = trigger == ARCH_TRIGGER_FIRMWARE ? pin.level : trigger == ARCH_TRIGGER_LEVEL;
    uint32_t entry = (VECTOR_LINES + line) | (pin.low ? ENTRY_LOW_ACTIVE : 0) | (level ? ENTRY_LEVEL : 0);

    unsigned long flags = spin_lock_save(&io_apics.lock);
    write_register(controller, reg, entry | ENTRY_MASKED); /* never unmasked while its halves disagree */
    write_register(controller, reg + 1, apic_id << ENTRY_CPU_SHIFT);
    write_register(controller, reg, entry);
    io_apics.routed[line] = true;
    io_apics.cpu[line] = cpu;
    spin_unlock_restore(&io_apics.lock, flags);
    return 0;
}

bool io_apic_deliver_nmi(unsigned line, unsigned cpu)
{
    unsigned reg;
    const struct controller *controller = find_pin(line, &reg);
    uint32_t apic_id = firmware_apic_id(cpu);

    if (!controller || apic_id > ENTRY_APIC_ID_MAX)
        return false;
    unsigned long flags = spin_lock_save(&io_apics.lock);
    write_register(controller, reg + 1, apic_id << ENTRY_CPU_SHIFT);
    write_register(controller, reg, ENTRY_DELIVER_NMI);
    spin_unlock_restore(&io_apics.lock, flags);
    return true;
}

void arch_line_mask(unsigned line, bool masked)
{
    unsigned reg;
    const struct controller *controller = find_pin(line, &reg);

    if (!controller)
        return;
    unsigned long flags = spin_lock_save(&io_apics.lock);
    uint32_t entry = read_register(controller, reg) & ~ENTRY_MASKED;
    write_register(controller, reg, entry | (masked ? ENTRY_MASKED : 0));
    spin_unlock_restore(&io_apics.lock, flags);
}

bool arch_line_quiet(unsigned line)
{
    unsigned reg;
    const struct controller *controller = find_pin(line, &reg);

    if (!controller)
        return true;
    unsigned long flags = spin_lock_save(&io_apics.lock);
    uint32_t entry = read_register(controller, reg);
    spin_unlock_restore(&io_apics.lock, flags);
    return !(entry & ENTRY_REMOTE_IRR);
}

int arch_line_retarget(unsigned line, unsigned cpu)
{
    unsigned reg;
    const struct controller *controller = find_pin(line, &reg);
    uint32_t apic_id = firmware_apic_id(cpu);

    if (!controller || apic_id > ENTRY_APIC_ID_MAX)
        return -ERANGE;
    unsigned long flags = spin_lock_save(&io_apics.lock);
    write_register(controller, reg + 1, apic_id << ENTRY_CPU_SHIFT);
    io_apics.cpu[line] = cpu;
    spin_unlock_restore(&io_apics.lock, flags);
    return 0;
}

bool arch_line_state(unsigned line, struct arch_line *state)
{
    unsigned reg;
    const struct controller *controller = find_pin(line, &reg);

    if (!controller)
        return false;
    unsigned long flags = spin_lock_save(&io_apics.lock);
    bool routed = io_apics.routed[line];
    uint32_t entry = read_register(controller, reg);
    state->pin = pin_of(line).global;
    state->cpu = io_apics.cpu[line];
    state->vector = entry & ENTRY_VECTOR;
    state->level = entry & ENTRY_LEVEL;
    state->masked = entry & ENTRY_MASKED;
    spin_unlock_restore(&io_apics.lock, flags);
    return routed;
}
