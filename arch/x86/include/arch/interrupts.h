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
 * Lines: 0-15 are those of the first PC (source overrides of the MADT applied), 16-23 the I/O APIC's inputs of these
 * numbers.
 */
enum arch_trigger {
    ARCH_TRIGGER_FIRMWARE, /* as the firmware's tables say; edges from line 16 on */
    ARCH_TRIGGER_EDGE,
    ARCH_TRIGGER_LEVEL,
};

/*
 * Routes the line to `cpu` as vector VECTOR_LINES + line, unmasked. -ENOENT: no I/O APIC has that line. -ERANGE: it
 * cannot address that CPU.
 */
int arch_line_enable(unsigned line, unsigned cpu, enum arch_trigger trigger);

/* Masks a routed line, or unmasks it. An edge that comes while the line is masked is lost. Any context. */
void arch_line_mask(unsigned line, bool masked);

/*
 * Has no CPU accepted an interrupt of this level line that it has not ended? While the line is masked it stays so.
 * Any context.
 */
bool arch_line_quiet(unsigned line);

/*
 * Sends the line's next interrupts to another CPU; one that is on its way goes to either. A level line must be quiet
 * and masked. -ERANGE: the CPU cannot be addressed. Any context.
 */
int arch_line_retarget(unsigned line, unsigned cpu);

/* What `irq` shows of one line; false when the line is not routed. */
struct arch_line {
    unsigned pin, cpu, vector;
    bool level, masked;
};
bool arch_line_state(unsigned line, struct arch_line *state);

/*
 * A timer that raises `line` (16-23) at the ends of periods, `hz` a second, as edges or levels; it has no other user.
 * start: -ENOTSUP: the machine has none that reaches the line; -ERANGE. stop, once after each start: returns how many
 * periods are over since, by its counter, all of which have been acknowledged or are past; may take a period.
 * acknowledge: how many were over when it raised the line, which from now on it does again; 0: it had not raised it.
 */
int arch_line_timer_start(unsigned line, uint32_t hz, bool level);
uint64_t arch_line_timer_stop(void);
uint64_t arch_line_timer_acknowledge(void);

#endif
