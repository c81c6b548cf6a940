/* sources: arch/x86/acpi.c arch/x86/acpi_sleep.c */
/*
 * acpi.c - any bytes as a machine's memory with ACPI tables in it: whatever they say, nothing beyond them is read, and
 * the facts are within their bounds.
 *
 * The first byte says whether checksums are made right on the way, without which hardly anything would be looked at.
 */
#include "arch/x86/acpi.h"
#include <stdlib.h>
#include <string.h>

#define MUST(condition) ((condition) ? (void)0 : abort())
#define COPIES_MAX 4096
#define HEADER_BYTES 36u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Copies of exactly the bytes asked for, so that the sanitizer sees the first one read beyond them. */
static struct {
    const uint8_t *bytes;
    size_t size;
    bool repair;
    void *copies[COPIES_MAX];
    size_t copy_count;
} memory;

static void repair(uint8_t *bytes, size_t count, size_t at)
{
    uint8_t sum = 0;

    if (!memory.repair || count <= at)
        return;
    bytes[at] = 0;
    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    bytes[at] = -sum;
}

static const void *memory_at(void *context, uint64_t address, size_t bytes)
{
    (void)context;
    if (address > memory.size || bytes > memory.size - address || memory.copy_count == COPIES_MAX)
        return NULL;
    uint8_t *copy = malloc(bytes);
    MUST(copy);
    memory.copies[memory.copy_count++] = copy;
    memcpy(copy, memory.bytes + address, bytes);
    repair(copy, bytes, 9);
    return copy;
}

static void check_facts(const struct acpi_facts *facts)
{
    MUST(facts->cpu_count <= ACPI_CPUS_MAX && facts->io_apic_count <= ACPI_IO_APICS_MAX);
    MUST(!facts->cpus_ignored || facts->cpu_count == ACPI_CPUS_MAX);
    MUST(!facts->can_sleep || (facts->sleep_a <= 7 && facts->sleep_b <= 7));
    for (unsigned i = 0; i < facts->cpu_count; i++) {
        for (unsigned j = 0; j < i; j++)
            MUST(facts->cpu_apic_ids[i] != facts->cpu_apic_ids[j]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct acpi_memory seam = {.at = memory_at};
    struct acpi_facts facts;
    uint8_t types[2];

    if (!size)
        return 0;
    memory.repair = data[0] & 1;
    size_t root_bytes = size - 1 < HEADER_BYTES ? size - 1 : HEADER_BYTES;
    uint8_t *root = malloc(root_bytes + !root_bytes);
    MUST(root);
    memcpy(root, data + 1, root_bytes);
    if (memory.repair && root_bytes >= 20) {
        memcpy(root, "RSD PTR ", 8);
        repair(root, 20, 8);
        repair(root, root_bytes, 32);
    }
    memory.bytes = data;
    memory.size = size;
    acpi_read(&facts, &seam, root, root_bytes);
    check_facts(&facts);
    if (acpi_find_sleep_types(data, size, &types[0], &types[1]))
        MUST(types[0] <= 7 && types[1] <= 7);
    free(root);
    while (memory.copy_count)
        free(memory.copies[--memory.copy_count]);
    return 0;
}
