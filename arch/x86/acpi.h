/*
 * acpi.h - what the kernel takes from the firmware's ACPI tables.
 *
 * Pure: tables are read through a function that the caller gives, so that the same source runs in the kernel and
 * under a fuzzer. Source: ACPI specification 6.3, chapter 5.2; for S5, 7.4.2 and 20.2.
 */
#ifndef ARCH_X86_ACPI_H
#define ARCH_X86_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_CPUS_MAX 64
#define ACPI_IO_APICS_MAX 8
#define ACPI_ISA_LINES 16
#define ACPI_TABLE_BYTES_MAX 0x400000u /* a longer table is not believed */
#define ACPI_TABLES_MAX 256            /* more are not looked at */

/* `bytes` bytes at a physical address, valid until the end of acpi_read(); NULL where there is no such memory. */
struct acpi_memory {
    const void *(*at)(void *context, uint64_t address, size_t bytes);
    void *context;
};

struct acpi_io_apic {
    uint64_t address;
    uint32_t first_line; /* the global system interrupt of its pin 0 */
};

/* An ISA line as the I/O APICs see it. */
struct acpi_line {
    uint32_t global; /* global system interrupt */
    bool level, low; /* else edge, high */
};

/*
 * Everything is 0 where the tables are silent or not to be believed; ISA lines then are what they were in the first
 * PC.
 */
struct acpi_facts {
    uint32_t cpu_apic_ids[ACPI_CPUS_MAX]; /* those that are enabled, in the order of the table */
    unsigned cpu_count;
    unsigned cpus_ignored; /* enabled, but beyond ACPI_CPUS_MAX */
    struct acpi_io_apic io_apics[ACPI_IO_APICS_MAX];
    unsigned io_apic_count;
    struct acpi_line isa_lines[ACPI_ISA_LINES];
    uint64_t hpet;

    /* Power: I/O ports, 0 if there are none. */
    uint16_t enable_port; /* writing enable_value here gives the power registers to the operating system */
    uint8_t enable_value;
    uint16_t control_a, control_b; /* PM1 control registers */
    bool can_sleep;                /* the sleep types below were found */
    uint8_t sleep_a, sleep_b;      /* the types of S5 */
    uint16_t reset_port;
    uint8_t reset_value;

    unsigned tables;  /* read and found good */
    unsigned refused; /* with a wrong length or checksum, or out of memory's reach */
};

/*
 * Fills `facts` from the tables that the root pointer (a copy of `bytes` bytes, or NULL) leads to. Every table is
 * checksummed, and its length checked, before it is used. Returns false if the root itself is not usable; the facts
 * are then the defaults.
 */
bool acpi_read(struct acpi_facts *facts, const struct acpi_memory *memory, const void *root, size_t bytes);

/*
 * Looks for the S5 package in the AML of a DSDT or SSDT. The caller has checked the table. Returns whether it was
 * found and well formed.
 */
bool acpi_find_sleep_types(const uint8_t *aml, size_t bytes, uint8_t *type_a, uint8_t *type_b);

#endif
