/*
 * interrupts.h - interrupt controllers: the local APIC of each CPU and the I/O APIC's lines.
 */
#ifndef ARCH_INTERRUPTS_H
#define ARCH_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds the controllers through ACPI, silences the legacy ones, and masks every line. The bootstrap CPU, before
 * arch_local_init(). Panics if the machine has no local APIC.
 */
void arch_interrupts_init(void);

/* Enables this CPU's local APIC (x2APIC mode where the CPU has it). Each CPU once, interrupts off. */
void arch_local_init(void);

/* Ends the interrupt being served on this CPU. */
void arch_end_of_interrupt(void);

/*
 * Sends `vector` to one CPU, by index, or to all but this one. Any context; ordered after earlier stores of this CPU.
 */
void arch_send_interrupt(unsigned cpu, unsigned vector);
void arch_send_interrupt_others(unsigned vector);

/* Sends a non-maskable interrupt to all CPUs but this one. For panics. */
void arch_send_nmi_others(void);

/*
 * Routes the ISA interrupt `line` (0-15, source overrides of the MADT applied) to `cpu` as vector VECTOR_LINES +
 * line, unmasked. -ENOENT: no I/O APIC has that line. -ERANGE: it cannot address that CPU.
 */
int arch_line_enable(unsigned line, unsigned cpu);
void arch_line_disable(unsigned line);

/* What `irq` shows of one line; false when the line is not routed. */
struct arch_line {
    unsigned pin, cpu, vector;
    bool level, masked;
};
bool arch_line_state(unsigned line, struct arch_line *state);

#endif
