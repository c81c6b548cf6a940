/*
 * firmware.c - the ACPI tables of this machine, read once at boot.
 *
 * Entry points: arch_acpi_init(), arch_cpu_count(), firmware_facts(). Concurrency: written by the bootstrap CPU
 * before there is another.
 */
#include "arch/x86/firmware.h"
#include "arch/x86/cpu_features.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include <arch/machine.h>
#include <arch/memory.h>

#define IO_APIC_DEFAULT 0xfec00000u /* where PCs have had it since the first one */

_Static_assert(ACPI_CPUS_MAX == CPU_MAX, "no CPU that the tables list is lost between the two");

static struct acpi_facts facts;

/* Tables may lie in memory that the map calls reserved: what counts is that the direct map has it. */
static const void *direct_map_at(void *context, uint64_t address, size_t bytes)
{
    uint64_t end;
    physical_address frame;
    unsigned protection;

    (void)context;
    if (!bytes || __builtin_add_overflow(address, bytes, &end) || end > DIRECT_MAP_SIZE)
        return NULL;
    for (uint64_t page = address & ~PAGE_MASK; page < end; page += PAGE_SIZE) {
        if (!arch_translate((uintptr_t)physical_to_virtual(page), &frame, &protection))
            return NULL;
    }
    return physical_to_virtual(address);
}

/* The bootstrap CPU is index 0 wherever the table lists it, and even if it does not. */
static void put_first(uint32_t apic_id)
{
    unsigned at = 0;

    while (at < facts.cpu_count && facts.cpu_apic_ids[at] != apic_id)
        at++;
    if (at == ACPI_CPUS_MAX)
        at--;
    if (at == facts.cpu_count)
        facts.cpu_count++;
    for (; at; at--)
        facts.cpu_apic_ids[at] = facts.cpu_apic_ids[at - 1];
    facts.cpu_apic_ids[0] = apic_id;
}

void arch_acpi_init(const void *rsdp, size_t bytes)
{
    static const struct acpi_memory memory = {.at = direct_map_at};
    bool usable = acpi_read(&facts, &memory, rsdp, bytes);

    put_first(cpu_own_apic_id());
    if (!facts.io_apic_count)
        facts.io_apics[facts.io_apic_count++].address = IO_APIC_DEFAULT;

    if (!usable)
        log_line("acpi: no usable tables; going on with one CPU and the default addresses");
    else
        log_line("acpi: %u tables, %u CPUs, %u I/O APICs%s", facts.tables, facts.cpu_count, facts.io_apic_count,
                 facts.hpet ? ", HPET" : "");
    if (facts.refused)
        log_line("acpi: %u tables left out: their length, checksum or address is wrong", facts.refused);
    if (facts.cpus_ignored)
        log_line("acpi: %u CPUs left out: this kernel takes %u", facts.cpus_ignored, CPU_MAX);
}

unsigned arch_cpu_count(void)
{
    return facts.cpu_count;
}

const struct acpi_facts *firmware_facts(void)
{
    return &facts;
}

uint32_t firmware_apic_id(unsigned cpu)
{
    ASSERT(cpu < facts.cpu_count);
    return facts.cpu_apic_ids[cpu];
}
