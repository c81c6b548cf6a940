/*
 * acpi.c - reads the firmware's ACPI tables: processors, interrupt controllers, the HPET, and how to switch off.
 *
 * Nothing in a table is believed before its length and checksum are checked, and nothing is read beyond its length. A
 * table that is not good is counted and left out. Fields are read byte by byte: they need not be aligned.
 *
 * Entry point: acpi_read(). Concurrency: pure, no state.
 */
#include "arch/x86/acpi.h"
#include <string.h>

/* Offsets of the specification's structures. */
#define ROOT_BYTES_OLD 20u
#define ROOT_REVISION 15
#define ROOT_RSDT 16
#define ROOT_LENGTH 20
#define ROOT_XSDT 24
#define ROOT_BYTES_NEW 36u

#define HEADER_BYTES 36u
#define HEADER_LENGTH 4

#define MADT_ENTRIES 44u
#define MADT_LOCAL 0
#define MADT_IO 1
#define MADT_OVERRIDE 2
#define MADT_LOCAL_X2 9
#define CPU_ENABLED 1u
#define APIC_ID_NONE 0xffu
#define X2APIC_ID_NONE 0xffffffffu

#define HPET_SPACE 40
#define HPET_ADDRESS 44
#define HPET_BYTES 56u

#define FADT_DSDT 40
#define FADT_ENABLE_PORT 48
#define FADT_ENABLE_VALUE 52
#define FADT_CONTROL_A 64
#define FADT_CONTROL_B 68
#define FADT_BYTES_OLD 116u
#define FADT_FLAGS 112
#define FADT_RESET 116
#define FADT_RESET_VALUE 128
#define FADT_RESET_END 129u
#define FADT_X_DSDT 140
#define FADT_X_DSDT_END 148u
#define FADT_FLAG_RESET (1u << 10)

#define SPACE_MEMORY 0
#define SPACE_PORTS 1
#define ADDRESS_FIELD 4 /* in a generic address structure, after its space, widths and access size */

static uint64_t field(const uint8_t *from, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes--)
        value = value << 8 | from[bytes];
    return value;
}

static bool sums_to_zero(const uint8_t *bytes, size_t count)
{
    uint8_t sum = 0;

    while (count--)
        sum += *bytes++;
    return sum == 0;
}

/* The table at `address`, wholly in memory and with a good checksum; NULL otherwise. */
static const uint8_t *table_at(struct acpi_facts *facts, const struct acpi_memory *memory, uint64_t address,
                               size_t *bytes)
{
    const uint8_t *header = address ? memory->at(memory->context, address, HEADER_BYTES) : NULL;
    const uint8_t *table = NULL;

    if (header) {
        uint64_t length = field(header + HEADER_LENGTH, 4);
        if (length >= HEADER_BYTES && length <= ACPI_TABLE_BYTES_MAX)
            table = memory->at(memory->context, address, length);
        if (table && sums_to_zero(table, length)) {
            facts->tables++;
            *bytes = length;
            return table;
        }
    }
    facts->refused++;
    return NULL;
}

static void add_cpu(struct acpi_facts *facts, uint32_t apic_id, uint32_t flags)
{
    if (!(flags & CPU_ENABLED))
        return;
    for (unsigned i = 0; i < facts->cpu_count; i++) {
        if (facts->cpu_apic_ids[i] == apic_id)
            return; /* listed in both forms */
    }
    if (facts->cpu_count < ACPI_CPUS_MAX)
        facts->cpu_apic_ids[facts->cpu_count++] = apic_id;
    else
        facts->cpus_ignored++;
}

static void add_io_apic(struct acpi_facts *facts, const uint8_t *entry)
{
    struct acpi_io_apic *io_apic = &facts->io_apics[facts->io_apic_count];

    if (facts->io_apic_count == ACPI_IO_APICS_MAX)
        return;
    io_apic->address = field(entry + 4, 4);
    io_apic->first_line = field(entry + 8, 4);
    facts->io_apic_count++;
}

/* Polarity in bits 0-1 and trigger mode in bits 2-3: 3 is low or level, anything else what ISA has. */
static void override_line(struct acpi_facts *facts, const uint8_t *entry)
{
    uint8_t line = entry[3];
    uint16_t flags = field(entry + 8, 2);

    if (entry[2] != 0 || line >= ACPI_ISA_LINES)
        return;
    facts->isa_lines[line].global = field(entry + 4, 4);
    facts->isa_lines[line].low = (flags & 3) == 3;
    facts->isa_lines[line].level = (flags >> 2 & 3) == 3;
}

/* One entry of the MADT; `bytes` is its length, checked to be within the table and at least 2. */
static void madt_entry(struct acpi_facts *facts, const uint8_t *entry, unsigned bytes)
{
    if (entry[0] == MADT_LOCAL && bytes >= 8) {
        if (entry[3] != APIC_ID_NONE)
            add_cpu(facts, entry[3], field(entry + 4, 4));
    } else if (entry[0] == MADT_LOCAL_X2 && bytes >= 16) {
        if (field(entry + 4, 4) != X2APIC_ID_NONE)
            add_cpu(facts, field(entry + 4, 4), field(entry + 8, 4));
    } else if (entry[0] == MADT_IO && bytes >= 12) {
        add_io_apic(facts, entry);
    } else if (entry[0] == MADT_OVERRIDE && bytes >= 10) {
        override_line(facts, entry);
    }
}

static void read_madt(struct acpi_facts *facts, const uint8_t *table, size_t bytes)
{
    if (bytes < MADT_ENTRIES)
        return;
    for (size_t at = MADT_ENTRIES; bytes - at >= 2;) {
        unsigned length = table[at + 1];
        if (length < 2 || length > bytes - at)
            return;
        madt_entry(facts, table + at, length);
        at += length;
    }
}

static void read_hpet(struct acpi_facts *facts, const uint8_t *table, size_t bytes)
{
    if (bytes >= HPET_BYTES && table[HPET_SPACE] == SPACE_MEMORY && !facts->hpet)
        facts->hpet = field(table + HPET_ADDRESS, 8);
}

/* A port number out of a field that has room for more; 0 if it is none. */
static uint16_t port(uint64_t value)
{
    return value <= UINT16_MAX ? value : 0;
}

static void read_fadt(struct acpi_facts *facts, const struct acpi_memory *memory, const uint8_t *table, size_t bytes)
{
    if (bytes < FADT_BYTES_OLD)
        return;
    facts->enable_port = port(field(table + FADT_ENABLE_PORT, 4));
    facts->enable_value = table[FADT_ENABLE_VALUE];
    facts->control_a = port(field(table + FADT_CONTROL_A, 4));
    facts->control_b = port(field(table + FADT_CONTROL_B, 4));
    if (bytes >= FADT_RESET_END && (field(table + FADT_FLAGS, 4) & FADT_FLAG_RESET) &&
        table[FADT_RESET] == SPACE_PORTS) {
        facts->reset_port = port(field(table + FADT_RESET + ADDRESS_FIELD, 8));
        facts->reset_value = table[FADT_RESET_VALUE];
    }
    uint64_t dsdt = bytes >= FADT_X_DSDT_END ? field(table + FADT_X_DSDT, 8) : 0;
    if (!dsdt)
        dsdt = field(table + FADT_DSDT, 4);
    const uint8_t *aml = table_at(facts, memory, dsdt, &bytes);
    if (aml)
        facts->can_sleep = acpi_find_sleep_types(aml + HEADER_BYTES, bytes - HEADER_BYTES, &facts->sleep_a,
                                                 &facts->sleep_b);
}

static void read_tables(struct acpi_facts *facts, const struct acpi_memory *memory, const uint8_t *list, size_t bytes,
                        unsigned pointer_bytes)
{
    size_t count = (bytes - HEADER_BYTES) / pointer_bytes;

    for (size_t i = 0; i < count && i < ACPI_TABLES_MAX; i++) {
        size_t length;
        uint64_t address = field(list + HEADER_BYTES + i * pointer_bytes, pointer_bytes);
        const uint8_t *table = table_at(facts, memory, address, &length);
        if (!table)
            continue;
        if (!memcmp(table, "APIC", 4))
            read_madt(facts, table, length);
        else if (!memcmp(table, "HPET", 4))
            read_hpet(facts, table, length);
        else if (!memcmp(table, "FACP", 4))
            read_fadt(facts, memory, table, length);
    }
}

bool acpi_read(struct acpi_facts *facts, const struct acpi_memory *memory, const void *root, size_t bytes)
{
    const uint8_t *pointer = root;
    size_t length;

    memset(facts, 0, sizeof *facts);
    for (unsigned i = 0; i < ACPI_ISA_LINES; i++)
        facts->isa_lines[i].global = i;
    if (!pointer || bytes < ROOT_BYTES_OLD || memcmp(pointer, "RSD PTR ", 8) || !sums_to_zero(pointer, ROOT_BYTES_OLD))
        return false;

    if (pointer[ROOT_REVISION] >= 2 && bytes >= ROOT_BYTES_NEW) {
        uint64_t claimed = field(pointer + ROOT_LENGTH, 4);
        const uint8_t *list = NULL;
        if (claimed >= ROOT_BYTES_NEW && claimed <= bytes && sums_to_zero(pointer, claimed))
            list = table_at(facts, memory, field(pointer + ROOT_XSDT, 8), &length);
        if (list && !memcmp(list, "XSDT", 4)) {
            read_tables(facts, memory, list, length, 8);
            return true;
        }
    }
    const uint8_t *list = table_at(facts, memory, field(pointer + ROOT_RSDT, 4), &length);
    if (!list || memcmp(list, "RSDT", 4))
        return false;
    read_tables(facts, memory, list, length, 4);
    return true;
}
