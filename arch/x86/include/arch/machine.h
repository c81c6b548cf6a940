/*
 * machine.h - what the machine around the CPUs offers: firmware tables, other CPUs, consoles, power.
 */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include <arch/memory.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

/*
 * Reads the ACPI tables from the root pointer that the boot loader gave (a copy of the RSDP, or NULL): every table
 * checksummed and its length checked before use. Without usable tables the machine has one CPU and default APIC
 * addresses.
 */
void arch_acpi_init(const void *rsdp, size_t bytes);

/*
 * How many CPUs the firmware lists as enabled (at most CPU_MAX), the bootstrap CPU first. Valid after
 * arch_acpi_init().
 */
unsigned arch_cpu_count(void);

/*
 * Starts CPU `index` (> 0) by INIT-SIPI-SIPI: it comes up in long mode on the kernel's page tables, on the stack with
 * the given top, GS at `cpu`, with its descriptor tables and protections set, and calls cpu_main(cpu)
 * (core/rendezvous.c), never to return. Returns 0; -ETIMEDOUT if it has not shown up within 5 s of the clock: if it
 * does later it waits for ever, and no other can be started, -EBUSY; -ENOTSUP if its APIC id cannot be addressed;
 * -ENOMEM, nothing done. Interrupts on or off, bootstrap CPU only.
 */
int arch_cpu_start(unsigned index, struct cpu *cpu, void *stack_top);

/*
 * Consoles. Writing may be done in any context, also in a panic with everything else stopped; each takes no lock: the
 * caller has it.
 */
void arch_serial_init(void);
void arch_serial_write(const char *text, size_t length);
/*
 * The boot loader left the machine in VGA text mode, 80 x 25: use it through the direct map. Not called: nothing is
 * shown.
 */
void arch_screen_init(void);
/*
 * The same with the place and size that the boot loader's framebuffer tag gives; a size that VGA cannot have is
 * ignored.
 */
void arch_screen_use(physical_address base, unsigned columns, unsigned rows);
bool arch_screen_present(void);
/*
 * Understands \n \r \b \t, and of ANSI: cursor left/right, erase to end of line, clear screen (what the line editor
 * sends).
 */
void arch_screen_write(const char *text, size_t length);

/*
 * The serial ports 0 (COM1, line 4) and 1 (COM2, line 3): is it there; has it raise its line for bytes that come in;
 * the next such byte, -1: none, and the line is ready for the next edge; writes one byte. Calls for one port are
 * serialised by the caller, but for present().
 */
bool arch_serial_present(unsigned port);
void arch_serial_listen(unsigned port);
int arch_serial_take(unsigned port);
void arch_serial_send(unsigned port, char byte);

/*
 * The keyboard: sets its controller up to raise line 1 for keys, false: there is none; the next byte of scan codes of
 * set 1, -1: none, and the line is ready for the next edge.
 */
bool arch_keyboard_init(void);
int arch_keyboard_take(void);

/*
 * Ends the run: emulator exits first (isa-debug-exit port 0xf4, Bochs port 0x8900), then ACPI S5. Returns only if
 * none worked.
 */
void arch_power_off(void);
/* Resets the machine: ACPI reset register, keyboard controller, then a triple fault. */
_Noreturn void arch_reboot(void);

/*
 * Turns on this CPU's protections (NX, WP, SMEP, SMAP, UMIP), global pages, and what the floating-point unit needs.
 * Each CPU once, before it uses anything of the kernel's final page table; arch_cpu_start() does it for the others.
 * Panics on a CPU that has less than the first.
 */
void arch_cpu_features_init(void);

/*
 * The CPU's vendor and model, and a list of the features that the kernel uses ("nx smep smap umip x2apic
 * tsc-deadline"), for `cpu`.
 */
void arch_cpu_describe(char *text, size_t capacity);

/* Whether arch_wait_for_write() works on every CPU. Any context. */
bool arch_can_wait_for_write(void);

#endif
