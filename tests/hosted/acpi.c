/* sources: arch/x86/acpi.c arch/x86/acpi_sleep.c */
/*
 * acpi.c - the firmware's tables: what is read of good ones, and that broken ones cost no more than themselves.
 *
 * The machine's memory is a list of regions. Every reading gets a copy of its own of exactly the bytes it asked for, so
 * that the sanitizer sees the first byte read beyond them.
 */
#include "arch/x86/acpi.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REGIONS_MAX 16
#define COPIES_MAX 64
#define TABLE_MAX 2048
#define AT_RSDT 0x1000
#define AT_XSDT 0x2000
#define AT_MADT 0x3000
#define AT_HPET 0x4000
#define AT_FADT 0x5000
#define AT_DSDT 0x6000

struct region {
    uint64_t address;
    size_t bytes;
    uint8_t content[TABLE_MAX];
};

static struct {
    struct region regions[REGIONS_MAX];
    unsigned region_count;
    void *copies[COPIES_MAX];
    unsigned copy_count;
    uint8_t root[36];
} machine;

static const void *memory_at(void *context, uint64_t address, size_t bytes)
{
    (void)context;
    for (unsigned i = 0; i < machine.region_count; i++) {
        const struct region *region = &machine.regions[i];
        uint64_t offset = address - region->address;
        if (address < region->address || offset > region->bytes || bytes > region->bytes - offset)
            continue;
        assert_true(machine.copy_count < COPIES_MAX);
        void *copy = malloc(bytes);
        assert_non_null(copy);
        machine.copies[machine.copy_count++] = copy;
        return memcpy(copy, region->content + offset, bytes);
    }
    return NULL;
}

static void put(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = value >> 8 * i;
}

static void checksum(uint8_t *bytes, size_t count, size_t at)
{
    uint8_t sum = 0;

    bytes[at] = 0;
    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    bytes[at] = -sum;
}

static struct region *region_find(uint64_t address)
{
    for (unsigned i = 0; i < machine.region_count; i++) {
        if (machine.regions[i].address == address)
            return &machine.regions[i];
    }
    fail_msg("no region");
    return NULL;
}

static void seal(uint64_t address)
{
    struct region *region = region_find(address);

    put(region->content + 4, region->bytes, 4);
    checksum(region->content, region->bytes, 9);
}

static struct region *table_add(uint64_t address, const char *signature, size_t bytes)
{
    struct region *region = &machine.regions[machine.region_count++];

    assert_true(machine.region_count <= REGIONS_MAX && bytes <= TABLE_MAX);
    memset(region, 0, sizeof *region);
    region->address = address;
    region->bytes = bytes;
    memcpy(region->content, signature, 4);
    return region;
}

static void append(uint64_t address, const void *bytes, size_t count)
{
    struct region *region = region_find(address);

    assert_true(region->bytes + count <= TABLE_MAX);
    memcpy(region->content + region->bytes, bytes, count);
    region->bytes += count;
    seal(address);
}

#define APPEND(address, ...) append(address, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void append_pointer(uint64_t list, uint64_t target, unsigned bytes)
{
    uint8_t pointer[8];

    put(pointer, target, 8);
    append(list, pointer, bytes);
}

/*
 * A PC with two CPUs (one more is disabled), an I/O APIC, the timer's line moved, an HPET, and S5 in its DSDT; lists in
 * both forms.
 */
static int build(void **state)
{
    (void)state;
    machine.region_count = 0;
    memcpy(machine.root, "RSD PTR ", 8);
    machine.root[15] = 2;
    put(machine.root + 16, AT_RSDT, 4);
    put(machine.root + 20, 36, 4);
    put(machine.root + 24, AT_XSDT, 8);
    checksum(machine.root, 20, 8);
    checksum(machine.root, 36, 32);

    table_add(AT_RSDT, "RSDT", 36);
    append_pointer(AT_RSDT, AT_MADT, 4);
    table_add(AT_XSDT, "XSDT", 36);
    append_pointer(AT_XSDT, AT_MADT, 8);
    append_pointer(AT_XSDT, AT_HPET, 8);
    append_pointer(AT_XSDT, AT_FADT, 8);

    table_add(AT_MADT, "APIC", 44);
    APPEND(AT_MADT, 0, 8, 0, 0, 1, 0, 0, 0);
    APPEND(AT_MADT, 0, 8, 1, 5, 1, 0, 0, 0);
    APPEND(AT_MADT, 0, 8, 2, 7, 0, 0, 0, 0);
    APPEND(AT_MADT, 1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0);
    APPEND(AT_MADT, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0);
    APPEND(AT_MADT, 2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0);

    struct region *hpet = table_add(AT_HPET, "HPET", 56);
    put(hpet->content + 44, 0xfed00000, 8);
    seal(AT_HPET);

    struct region *fadt = table_add(AT_FADT, "FACP", 244);
    put(fadt->content + 40, AT_DSDT, 4);
    put(fadt->content + 48, 0xb2, 4);
    fadt->content[52] = 0xf1;
    put(fadt->content + 64, 0x604, 4);
    put(fadt->content + 112, 1 << 10, 4);
    fadt->content[116] = 1;
    put(fadt->content + 120, 0xcf9, 8);
    fadt->content[128] = 6;
    seal(AT_FADT);

    table_add(AT_DSDT, "DSDT", 36);
    APPEND(AT_DSDT, 0x08, '_', 'S', '3', '_', 0x12, 4, 2, 1, 1);
    APPEND(AT_DSDT, 0x08, '_', 'S', '5', '_', 0x12, 8, 4, 0x0a, 5, 0x0a, 6, 0, 0);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    while (machine.copy_count)
        free(machine.copies[--machine.copy_count]);
    return 0;
}

static bool read_root(struct acpi_facts *facts, size_t bytes)
{
    static const struct acpi_memory memory = {.at = memory_at};
    uint8_t *root = malloc(bytes ? bytes : 1);

    assert_non_null(root);
    memcpy(root, machine.root, bytes);
    bool usable = acpi_read(facts, &memory, root, bytes);
    free(root);
    return usable;
}

static void assert_line(const struct acpi_facts *facts, unsigned line, uint32_t global, bool level, bool low)
{
    assert_int_equal(facts->isa_lines[line].global, global);
    assert_int_equal(facts->isa_lines[line].level, level);
    assert_int_equal(facts->isa_lines[line].low, low);
}

static void assert_defaults(const struct acpi_facts *facts)
{
    assert_int_equal(facts->cpu_count, 0);
    assert_int_equal(facts->io_apic_count, 0);
    assert_false(facts->can_sleep);
    for (unsigned i = 0; i < ACPI_ISA_LINES; i++)
        assert_line(facts, i, i, false, false);
}

static void good_tables(void **state)
{
    struct acpi_facts facts;

    (void)state;
    assert_true(read_root(&facts, 36));
    assert_int_equal(facts.tables, 5);
    assert_int_equal(facts.refused, 0);
    assert_int_equal(facts.cpu_count, 2);
    assert_int_equal(facts.cpu_apic_ids[0], 0);
    assert_int_equal(facts.cpu_apic_ids[1], 5);
    assert_int_equal(facts.io_apic_count, 1);
    assert_int_equal(facts.io_apics[0].address, 0xfec00000);
    assert_int_equal(facts.io_apics[0].first_line, 0);
    assert_line(&facts, 0, 2, false, false);
    assert_line(&facts, 9, 9, true, true);
    assert_line(&facts, 4, 4, false, false);
    assert_int_equal(facts.hpet, 0xfed00000);
    assert_int_equal(facts.enable_port, 0xb2);
    assert_int_equal(facts.enable_value, 0xf1);
    assert_int_equal(facts.control_a, 0x604);
    assert_int_equal(facts.control_b, 0);
    assert_int_equal(facts.reset_port, 0xcf9);
    assert_int_equal(facts.reset_value, 6);
    assert_true(facts.can_sleep);
    assert_int_equal(facts.sleep_a, 5);
    assert_int_equal(facts.sleep_b, 6);
}

static void root_that_is_not_one(void **state)
{
    static const struct acpi_memory memory = {.at = memory_at};
    struct acpi_facts facts;

    (void)state;
    assert_false(acpi_read(&facts, &memory, NULL, 0));
    assert_defaults(&facts);
    for (size_t bytes = 0; bytes < 20; bytes++) {
        assert_false(read_root(&facts, bytes));
        assert_defaults(&facts);
    }
    machine.root[8]++;
    assert_false(read_root(&facts, 36));
    machine.root[8]--;
    machine.root[0] = 'r';
    checksum(machine.root, 20, 8);
    assert_false(read_root(&facts, 36));
    assert_defaults(&facts);
}

static void short_or_old_root_leads_to_the_old_list(void **state)
{
    struct acpi_facts facts;

    (void)state;
    assert_true(read_root(&facts, 20));
    assert_int_equal(facts.cpu_count, 2);
    assert_int_equal(facts.hpet, 0);

    machine.root[32]++; /* the second checksum, of the longer form */
    assert_true(read_root(&facts, 36));
    assert_int_equal(facts.hpet, 0);
    machine.root[32]--;

    region_find(AT_XSDT)->content[9]++;
    assert_true(read_root(&facts, 36));
    assert_int_equal(facts.cpu_count, 2);
    assert_int_equal(facts.hpet, 0);
    assert_int_equal(facts.refused, 1);

    region_find(AT_RSDT)->content[9]++;
    assert_false(read_root(&facts, 36));
    assert_defaults(&facts);
}

static void each_bad_table_is_left_out_alone(void **state)
{
    static const uint64_t tables[] = {AT_MADT, AT_HPET, AT_FADT, AT_DSDT};
    struct acpi_facts facts;

    (void)state;
    for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++) {
        region_find(tables[i])->content[20] ^= 1;
        assert_true(read_root(&facts, 36));
        assert_int_equal(facts.refused, 1);
        assert_int_equal(facts.cpu_count, tables[i] == AT_MADT ? 0 : 2);
        assert_int_equal(facts.hpet, tables[i] == AT_HPET ? 0 : 0xfed00000);
        assert_int_equal(facts.control_a, tables[i] == AT_FADT ? 0 : 0x604);
        assert_int_equal(facts.can_sleep, tables[i] != AT_FADT && tables[i] != AT_DSDT);
        region_find(tables[i])->content[20] ^= 1;
        clean_up(NULL);
    }
}

static void lengths_that_cannot_be(void **state)
{
    static const uint32_t lengths[] = {0, 35, TABLE_MAX, ACPI_TABLE_BYTES_MAX + 1, 0x80000000, UINT32_MAX};
    struct acpi_facts facts;

    (void)state;
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        put(region_find(AT_MADT)->content + 4, lengths[i], 4);
        assert_true(read_root(&facts, 36));
        assert_int_equal(facts.refused, 1);
        assert_int_equal(facts.cpu_count, 0);
        clean_up(NULL);
    }
}

/* Every table cut short, at every length, with a good checksum. */
static void truncated_tables(void **state)
{
    static const uint64_t tables[] = {AT_XSDT, AT_MADT, AT_HPET, AT_FADT, AT_DSDT};
    struct acpi_facts facts;

    (void)state;
    for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct region *region = region_find(tables[i]);
        size_t whole = region->bytes;
        uint8_t checksum_byte = region->content[9];
        for (region->bytes = 36; region->bytes < whole; region->bytes++) {
            seal(tables[i]);
            assert_true(read_root(&facts, 36));
            assert_true(facts.cpu_count <= 2);
            clean_up(NULL);
        }
        seal(tables[i]);
        assert_int_equal(region->content[9], checksum_byte);
    }
    assert_true(read_root(&facts, 36));
    assert_int_equal(facts.cpu_count, 2);
}

static void entries_of_the_madt(void **state)
{
    struct acpi_facts facts;

    (void)state;
    APPEND(AT_MADT, 9, 16, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);             /* known already */
    APPEND(AT_MADT, 9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);             /* 256 */
    APPEND(AT_MADT, 9, 16, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0); /* nobody */
    APPEND(AT_MADT, 0, 8, 3, 0xff, 1, 0, 0, 0);                                   /* nobody */
    APPEND(AT_MADT, 0, 7, 3, 9, 1, 0, 0);                                         /* too short for what it says it is */
    APPEND(AT_MADT, 2, 10, 0, 16, 3, 0, 0, 0, 0, 0);                              /* not an ISA line */
    APPEND(AT_MADT, 2, 10, 1, 3, 19, 0, 0, 0, 0, 0);                              /* not the ISA bus */
    APPEND(AT_MADT, 200, 4, 0, 0);                                                /* unknown */
    assert_true(read_root(&facts, 36));
    assert_int_equal(facts.cpu_count, 3);
    assert_int_equal(facts.cpu_apic_ids[2], 256);
    assert_line(&facts, 3, 3, false, false);

    APPEND(AT_MADT, 0, 1);
    APPEND(AT_MADT, 0, 8, 3, 11, 1, 0, 0, 0); /* after an entry that has no length, nothing is believed */
    assert_true(read_root(&facts, 36));
    assert_int_equal(facts.cpu_count, 3);
}

static void more_than_fit(void **state)
{
    struct acpi_facts facts;

    (void)state;
    for (unsigned i = 0; i < ACPI_CPUS_MAX; i++)
        APPEND(AT_MADT, 0, 8, i, 100 + i, 1, 0, 0, 0);
    for (unsigned i = 0; i < ACPI_IO_APICS_MAX; i++)
        APPEND(AT_MADT, 1, 12, i, 0, 0, 0, 0xc1, 0xfe, 24 + i, 0, 0, 0);
    assert_true(read_root(&facts, 36));
    assert_int_equal(facts.cpu_count, ACPI_CPUS_MAX);
    assert_int_equal(facts.cpus_ignored, 2);
    assert_int_equal(facts.io_apic_count, ACPI_IO_APICS_MAX);
    assert_int_equal(facts.io_apics[1].first_line, 24);
}

static bool find(const void *aml, size_t bytes, uint8_t *a, uint8_t *b)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);

    assert_non_null(copy);
    memcpy(copy, aml, bytes);
    bool found = acpi_find_sleep_types(copy, bytes, a, b);
    free(copy);
    return found;
}

#define FIND(...) find((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), &a, &b)

static void sleep_package_forms(void **state)
{
    uint8_t a = 9, b = 9;

    (void)state;
    assert_true(FIND(0x08, '_', 'S', '5', '_', 0x12, 4, 2, 0, 1));
    assert_true(a == 0 && b == 1);
    assert_true(FIND(0x08, '\\', '_', 'S', '5', '_', 0x12, 0x47, 0, 2, 0x0b, 7, 0, 0x0c, 3, 0, 0, 0));
    assert_true(a == 7 && b == 3);
    assert_true(FIND(0x08, '_', 'S', '5', '_', 0x12, 3, 1, 1)); /* one type serves both registers */
    assert_true(a == 1 && b == 1);
    /* Mentioned before it is defined. */
    assert_true(FIND(0x10, '_', 'S', '5', '_', 0x08, '_', 'S', '5', '_', 0x12, 5, 2, 0x0a, 2, 1));
    assert_true(a == 2 && b == 1);

    assert_false(FIND(0x08, '_', 'S', '5', '_', 0x12, 4, 2, 0x0a, 8, 1)); /* no type of three bits */
    assert_false(FIND(0x08, '_', 'S', '5', '_', 0x12, 4, 2, 0x0b, 1, 1, 0));
    assert_false(FIND(0x08, '_', 'S', '5', '_', 0x12, 4, 0));         /* an empty package */
    assert_false(FIND(0x08, '_', 'S', '5', '_', 0x12, 4, 2, 'X', 1)); /* a name, not a constant */
    assert_false(FIND(0x08, '_', 'S', '5', '_', 0x0a, 5));            /* no package */
    assert_false(FIND('_', 'S', '5', '_', 0x12, 4, 2, 0, 1));
    assert_true(a == 2 && b == 1); /* left alone */
}

static void truncated_sleep_package(void **state)
{
    static const uint8_t whole[] = {0x08, '_', 'S', '5', '_', 0x12, 0xc8, 0, 0, 0, 2, 0x0c, 5, 0, 0, 0, 0x0b, 6, 0};
    uint8_t a, b;

    (void)state;
    for (size_t bytes = 0; bytes < sizeof whole; bytes++)
        assert_false(find(whole, bytes, &a, &b));
    assert_true(find(whole, sizeof whole, &a, &b));
    assert_true(a == 5 && b == 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_tables, build, clean_up),
        cmocka_unit_test_setup_teardown(root_that_is_not_one, build, clean_up),
        cmocka_unit_test_setup_teardown(short_or_old_root_leads_to_the_old_list, build, clean_up),
        cmocka_unit_test_setup_teardown(each_bad_table_is_left_out_alone, build, clean_up),
        cmocka_unit_test_setup_teardown(lengths_that_cannot_be, build, clean_up),
        cmocka_unit_test_setup_teardown(truncated_tables, build, clean_up),
        cmocka_unit_test_setup_teardown(entries_of_the_madt, build, clean_up),
        cmocka_unit_test_setup_teardown(more_than_fit, build, clean_up),
        cmocka_unit_test(sleep_package_forms),
        cmocka_unit_test(truncated_sleep_package),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
