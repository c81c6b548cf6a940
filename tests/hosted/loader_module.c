/* sources: tests/hosted/loader/builder.c loader/loader.c loader/object.c loader/layout.c loader/symbols.c
   loader/image.c loader/relocate.c loader/x86_64.c loader/arrays.c loader/sort.c loader/declaration.c core/text.c
   core/errors.c */
/*
 * loader_module.c - the layout of an image, and what a module says about itself.
 */
#include "tests/hosted/loader/builder.h"
#include <moult/module.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0xffffffffa0000000ull

/* Each loaded section lies in its region, none overlaps another, and the image holds what is not NOBITS. */
static void check_layout(const struct bench *bench)
{
    const struct loader *loader = &bench->loader;
    struct loader_section section, other;
    uint64_t end = 0;

    for (unsigned i = 0; i < LOADER_REGIONS; i++) {
        const struct loader_region *region = &loader->regions[i];

        assert_int_equal(region->address, loader->base + region->offset);
        assert_int_equal(region->offset % LOADER_PAGE, 0);
        assert_int_equal(region->bytes % LOADER_PAGE, 0);
        assert_true(region->offset >= end);
        assert_true(region->file_bytes <= region->bytes);
        end = region->offset + region->bytes;
    }
    assert_true(end >= loader->bytes && loader->bytes <= loader->bytes_most);
    for (uint32_t i = 0; loader_next_section(loader, &i, &section);) {
        const struct loader_region *region = &loader->regions[section.region];

        assert_int_equal(section.address % section.alignment, 0);
        assert_int_equal(section.address, loader->base + section.offset);
        assert_true(section.offset >= region->offset);
        assert_true(section.offset + section.bytes <= region->offset + region->bytes);
        assert_true(loader_contains(loader, section.region, section.address, section.bytes));
        if (section.nobits)
            assert_true(section.offset >= region->offset + region->file_bytes);
        else
            assert_true(section.offset + section.bytes <= region->offset + region->file_bytes);
        for (uint32_t k = i; loader_next_section(loader, &k, &other);)
            assert_true(section.offset + section.bytes <= other.offset || other.offset + other.bytes <= section.offset);
    }
}

static void regions(void **state)
{
    struct builder *builder = basic_object();
    struct bench bench = {0};

    (void)state;
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    check_layout(&bench);
    assert_int_equal(bench.loader.bytes, 3 * LOADER_PAGE);
    assert_int_equal(bench.loader.image_bytes, 2 * LOADER_PAGE + 64);
    assert_int_equal(bench_address(&bench, ".text"), BASE);
    assert_int_equal(bench_address(&bench, ".rodata"), BASE + LOADER_PAGE);
    assert_int_equal(bench_address(&bench, ".data"), BASE + 2 * LOADER_PAGE);
    assert_true(bench_section(&bench, ".bss").nobits);
    assert_false(loader_contains(&bench.loader, LOADER_TEXT, BASE, 65));
    assert_false(loader_contains(&bench.loader, LOADER_TEXT, BASE - 1, 1));
    assert_false(loader_contains(&bench.loader, LOADER_DATA, BASE, 1));
    assert_false(loader_contains(&bench.loader, LOADER_TEXT, BASE + 1, UINT64_MAX));
    bench_end(&bench);
}

static void great_alignment(void **state)
{
    struct builder *builder = basic_object();
    struct bench bench = {0};

    (void)state;
    builder_section(builder, ".rodata.big", SHT_PROGBITS, SHF_ALLOC, "x", 1, 8192);
    builder_section(builder, ".bss.big", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, 100000, 65536);
    builder_section(builder, ".zeros", SHT_NOBITS, SHF_ALLOC, NULL, 8, 8);
    builder_section(builder, ".empty", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, NULL, 0, 0);
    builder_symbol(builder, "common", STB_GLOBAL, STT_OBJECT, SHN_COMMON, 16384, 10);
    assert_int_equal(bench_load(&bench, builder, BASE + LOADER_PAGE), -EINVAL);
    assert_non_null(strstr(bench.why.sentence, "no multiple of its alignment, 0x10000"));
    bench_end(&bench);
    bench = (struct bench){0};
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    assert_int_equal(bench.loader.alignment, 65536);
    check_layout(&bench);
    bench_end(&bench);
}

static void only_zeros(void **state)
{
    struct builder builder = {0};
    struct bench bench = {0};

    (void)state;
    builder_section(&builder, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, 5000, 8);
    assert_int_equal(bench_load(&bench, &builder, BASE), 0);
    check_layout(&bench);
    assert_int_equal(bench.loader.bytes, 2 * LOADER_PAGE);
    assert_int_equal(bench.loader.image_bytes, 0);
    bench_end(&bench);
}

static void nothing_to_load(void **state)
{
    struct builder builder = {0};
    struct bench bench = {0};

    (void)state;
    builder_section(&builder, ".comment", SHT_PROGBITS, SHF_MERGE | SHF_STRINGS, "text", 5, 1);
    assert_int_equal(bench_load(&bench, &builder, BASE), 0);
    assert_int_equal(bench.loader.bytes, 0);
    assert_false(bench.loader.declaration.declared);
    bench_end(&bench);
}

static void bases(void **state)
{
    struct bench bench = {0};

    (void)state;
    assert_int_equal(bench_load(&bench, basic_object(), BASE + 8), -EINVAL);
    bench_end(&bench);
    bench = (struct bench){0};
    assert_int_equal(bench_load(&bench, basic_object(), -(uint64_t)LOADER_PAGE), -EINVAL);
    assert_non_null(strstr(bench.why.sentence, "end of the address space"));
    bench_end(&bench);
    bench = (struct bench){0};
    assert_int_equal(bench_load(&bench, basic_object(), 0), 0);
    bench_end(&bench);
}

static void symbols_for_backtraces(void **state)
{
    struct bench bench = {0};
    struct builder *builder = basic_object();
    struct loader_symbol symbol;
    unsigned count = 0;

    (void)state;
    builder_symbol(builder, "file.c", STB_LOCAL, STT_FILE, SHN_ABS, 0, 0);
    builder_symbol(builder, "too_large", STB_LOCAL, STT_FUNC, TEXT, 60, 1000);
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    for (uint32_t cursor = 0; loader_next_symbol(&bench.loader, &cursor, &symbol); count++) {
        if (strcmp(symbol.name, "function") == 0) {
            assert_int_equal(symbol.address, bench_address(&bench, ".text") + 16);
            assert_int_equal(symbol.bytes, 8);
            assert_int_equal(symbol.kind, LOADER_FUNCTION);
            assert_true(symbol.global);
        }
        if (strcmp(symbol.name, "too_large") == 0)
            assert_int_equal(symbol.bytes, 4);
    }
    assert_int_equal(count, 5); /* neither the file, nor what is not defined here */
    bench_end(&bench);
}

static const char info[] = "name=sched-x\0\0\0version=1.0\0colour=green\0summary=a test of the loader";
static struct module_slot slot = {.slot = "sched", .abi = 0x1234};
static struct module_export exports[2];

/* A module with a slot, whose ops are `constant`, and two exports; sections 5, 6, 7 are .moult.*. */
static struct builder *module(void)
{
    struct builder *builder = basic_object();
    unsigned names;

    builder_section(builder, ".moult.info", SHT_PROGBITS, SHF_ALLOC, info, sizeof info, 1);
    builder_section(builder, ".moult.slots", SHT_PROGBITS, SHF_ALLOC, &slot, sizeof slot, 8);
    builder_section(builder, ".moult.exports", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, exports, sizeof exports, 8);
    names = builder_section(builder, ".rodata.names", SHT_PROGBITS, SHF_ALLOC, "function\0datum", 15, 1);
    names = builder_symbol(builder, "", STB_LOCAL, STT_SECTION, names, 0, 0);
    builder_relocation(builder, 6, offsetof(struct module_slot, ops), R_X86_64_64, CONSTANT, 0);
    builder_relocation(builder, 7, 0, R_X86_64_64, FUNCTION, 0);
    builder_relocation(builder, 7, 8, R_X86_64_64, names, 0);
    builder_relocation(builder, 7, 16, R_X86_64_64, DATUM, 0);
    builder_relocation(builder, 7, 24, R_X86_64_64, names, 9);
    return builder;
}

static void declaration(void **state)
{
    struct bench bench = {0};
    const struct loader_declaration *found = &bench.loader.declaration;
    struct loader_slot slot_found;
    struct loader_export export;

    (void)state;
    assert_int_equal(bench_load(&bench, module(), BASE), 0);
    assert_true(found->declared);
    assert_string_equal(found->name.text, "sched-x");
    assert_string_equal(found->version.text, "1.0");
    assert_string_equal(found->summary.text, "a test of the loader");
    assert_int_equal(found->name.address, bench_address(&bench, ".moult.info") + 5);
    assert_int_equal(found->slots, 1);
    loader_slot(&bench.loader, 0, &slot_found);
    assert_string_equal(slot_found.type, "sched");
    assert_int_equal(slot_found.abi, 0x1234);
    assert_int_equal(slot_found.ops, bench_address(&bench, ".rodata") + 16);
    assert_true(slot_found.ops_bytes >= 48);
    assert_true(loader_contains(&bench.loader, LOADER_RODATA, slot_found.ops, slot_found.ops_bytes));
    assert_false(loader_contains(&bench.loader, LOADER_RODATA, slot_found.ops, slot_found.ops_bytes + 1));
    assert_int_equal(found->exports, 2);
    assert_int_equal(found->slots_table, bench_address(&bench, ".moult.slots"));
    assert_int_equal(found->exports_table, bench_address(&bench, ".moult.exports"));
    loader_export(&bench.loader, 0, &export);
    assert_string_equal(export.name.text, "function");
    assert_int_equal(export.address, bench_address(&bench, ".text") + 16);
    loader_export(&bench.loader, 1, &export);
    assert_string_equal(export.name.text, "datum");
    assert_int_equal(export.address, bench_address(&bench, ".data") + 16);
    assert_int_equal(export.name.address, bench_address(&bench, ".rodata.names") + 9);
    bench_end(&bench);
}

/* The module with another text in .moult.info is refused. */
static void expect_bad_info(const char *text, size_t bytes, const char *complaint)
{
    struct builder *builder = module();

    builder->sections[4].contents = text;
    builder->sections[4].header.sh_size = bytes;
    expect_refusal(builder, -ENOEXEC, complaint);
}

static void bad_info(void **state)
{
    (void)state;
    expect_bad_info("name=a", 6, "does not end with a NUL");
    expect_bad_info("name=a\0name=b", 14, "gives the name twice: 'a' and 'b'");
    expect_bad_info("version=a", 10, "'' is no module name");
    expect_bad_info("name=", 6, "'' is no module name");
    expect_bad_info("name=Sched", 11, "'Sched' is no module name");
    expect_bad_info("name=a/b", 9, "'a/b' is no module name");
    expect_bad_info("name=a23456789012345678901234567890123", 39, "is no module name");
    expect_bad_info("name=a\0summary=two\nlines", 25, "is not one line of printable ASCII");
    expect_bad_info("name=a\0version=\x1b[2J", 20, "the version");
    expect_bad_info("", 0, "no module name");
}

static void bad_sections(void **state)
{
    struct builder *builder = module();

    (void)state;
    builder->sections[4].name = ".rodata.other";
    expect_refusal(builder, -ENOEXEC, ".moult.slots is there, but .moult.info is not");
    builder = module();
    builder->sections[5].header.sh_size = 40;
    expect_refusal(builder, -ENOEXEC, ".moult.slots");
    builder = module();
    builder->sections[6].header.sh_size = 33;
    builder->sections[6].contents = NULL;
    expect_refusal(builder, -ENOEXEC, ".moult.exports has 33 bytes");
    builder = module();
    builder_section(builder, ".moult.info", SHT_PROGBITS, SHF_ALLOC, info, sizeof info, 1);
    expect_refusal(builder, -ENOEXEC, "both called .moult.info");
    builder = module();
    builder->sections[5].contents = NULL;
    expect_refusal(builder, -ENOEXEC, "entry 0 has no valid slot type");
}

/* The module with relocation number `index` of module() changed is refused. */
static void expect_bad_pointer(unsigned index, unsigned symbol, int64_t addend, const char *complaint)
{
    struct builder *builder = module();

    builder->relocations[index].relocation.r_info = ELF64_R_INFO((uint64_t)symbol, R_X86_64_64);
    builder->relocations[index].relocation.r_addend = addend;
    expect_refusal(builder, -ENOEXEC, complaint);
}

static void bad_pointers(void **state)
{
    (void)state;
    expect_bad_pointer(0, FUNCTION, 0, "the ops table of 'sched'");
    expect_bad_pointer(0, CONSTANT, 1, "the ops table of 'sched'");
    expect_bad_pointer(0, OUTSIDE, 0, "the ops table of 'sched'");
    expect_bad_pointer(0, 0, 0, "the ops table of 'sched'");
    expect_bad_pointer(1, OUTSIDE, 0, "'function' at 0x500000 is not in the module");
    expect_bad_pointer(2, OUTSIDE, 0, "the name of entry 0");
    expect_bad_pointer(2, ZEROS, 0, "the name of entry 0");
    expect_bad_pointer(2, 0, -1, "the name of entry 0");
    expect_bad_pointer(4, DATUM, 0, "the name of entry 1");
}

static void no_declaration(void **state)
{
    struct bench bench = {0};

    (void)state;
    assert_int_equal(bench_load(&bench, basic_object(), BASE), 0);
    assert_false(bench.loader.declaration.declared);
    assert_string_equal(bench.loader.declaration.name.text, "");
    assert_int_equal(bench.loader.declaration.slots, 0);
    bench_end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions),         cmocka_unit_test(great_alignment), cmocka_unit_test(only_zeros),
        cmocka_unit_test(nothing_to_load), cmocka_unit_test(bases),           cmocka_unit_test(symbols_for_backtraces),
        cmocka_unit_test(declaration),     cmocka_unit_test(bad_info),        cmocka_unit_test(bad_sections),
        cmocka_unit_test(bad_pointers),    cmocka_unit_test(no_declaration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
