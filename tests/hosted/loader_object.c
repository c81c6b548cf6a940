/* sources: tests/hosted/loader/builder.c loader/loader.c loader/object.c loader/layout.c loader/symbols.c
   loader/image.c loader/relocate.c loader/x86_64.c loader/arrays.c loader/sort.c loader/declaration.c core/text.c
   core/errors.c */
/*
 * loader_object.c - damaged objects: every offset, size, count and index of a file that does not hold is refused by
 * name.
 */
#include "tests/hosted/loader/builder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void loads(void **state)
{
    struct bench bench = {0};

    (void)state;
    assert_int_equal(bench_load(&bench, basic_object(), 0x400000), 0);
    assert_int_equal(bench.loader.undefined, 0);
    bench_end(&bench);
}

static void any_truncation(void **state)
{
    struct built whole;

    (void)state;
    builder_relocation(basic_object(), TEXT, 4, R_X86_64_PLT32, OUTSIDE, -4);
    whole = builder_finish(basic_object());
    for (size_t size = 0; size < whole.size; size++) {
        struct bench bench = {.built = whole};

        bench.built.bytes = malloc(size ? size : 1);
        memcpy(bench.built.bytes, whole.bytes, size);
        bench.built.size = size;
        assert_int_equal(bench_load_built(&bench, 0x400000), -ENOEXEC);
        assert_true(strlen(bench.why.sentence) > 10);
        bench_end(&bench);
    }
    free(whole.bytes);
}

static void any_alignment_of_the_file(void **state)
{
    struct builder *builder = basic_object();
    struct built built;

    (void)state;
    builder_relocation(builder, TEXT, 3, R_X86_64_PLT32, OUTSIDE, -4);
    built = builder_finish(builder);
    for (unsigned shift = 1; shift < 8; shift++) {
        uint8_t *room = malloc(built.size + shift);
        struct bench bench = {.built = built};

        memcpy(room + shift, built.bytes, built.size);
        bench.built.bytes = room + shift;
        assert_int_equal(bench_load_built(&bench, 0x400000), 0);
        bench_close(&bench);
        free(room);
    }
    free(built.bytes);
}

static void identity(void **state)
{
    static const struct {
        size_t offset;
        uint8_t value;
        const char *text;
    } cases[] = {
        {0, 'M', "not an ELF file"},   {3, 'f', "not an ELF file"},     {EI_CLASS, 1, "64-bit"},
        {EI_DATA, 2, "little-endian"}, {EI_VERSION, 0, "version 0"},    {16, ET_EXEC, "type 2"},
        {16, ET_DYN, "type 3"},        {18, EM_AARCH64, "machine 183"}, {20, 2, "version 2"},
        {58, 63, "headers of 63"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct built built = builder_finish(basic_object());

        built.bytes[cases[i].offset] = cases[i].value;
        expect_refusal_built(built, -ENOEXEC, cases[i].text);
    }
}

static void section_headers(void **state)
{
    struct built built = builder_finish(basic_object());

    (void)state;
    built_header(&built)->e_shoff = built.size;
    expect_refusal_built(built, -ENOEXEC, "section headers at");
    built = builder_finish(basic_object());
    built_header(&built)->e_shoff = UINT64_MAX - 10;
    expect_refusal_built(built, -ENOEXEC, "section headers at");
    built = builder_finish(basic_object());
    built_header(&built)->e_shoff = 0;
    expect_refusal_built(built, -ENOEXEC, "section headers at");
    built = builder_finish(basic_object());
    built_header(&built)->e_shnum++;
    expect_refusal_built(built, -ENOEXEC, "do not lie in the file");
    built = builder_finish(basic_object());
    built_section(&built, 0)->sh_size = UINT64_MAX;
    built_header(&built)->e_shnum = 0;
    expect_refusal_built(built, -ENOEXEC, "do not lie in the file");
    built = builder_finish(basic_object());
    built_header(&built)->e_shnum = 0;
    expect_refusal_built(built, -ENOEXEC, "0 section headers");
}

static void extended_counts(void **state)
{
    struct bench bench = {.built = builder_finish(basic_object())};
    Elf64_Shdr *first = built_section(&bench.built, 0);

    (void)state;
    first->sh_size = built_header(&bench.built)->e_shnum;
    first->sh_link = built_header(&bench.built)->e_shstrndx;
    built_header(&bench.built)->e_shnum = 0;
    built_header(&bench.built)->e_shstrndx = SHN_XINDEX;
    assert_int_equal(bench_load_built(&bench, 0x400000), 0);
    bench_end(&bench);
}

static void section_names(void **state)
{
    struct built built = builder_finish(basic_object());

    (void)state;
    built_header(&built)->e_shstrndx = 200;
    expect_refusal_built(built, -ENOEXEC, "section names are in section 200");
    built = builder_finish(basic_object());
    built_header(&built)->e_shstrndx = TEXT;
    expect_refusal_built(built, -ENOEXEC, "not a string table");
    built = builder_finish(basic_object());
    built_section(&built, built.section_names)->sh_size--;
    expect_refusal_built(built, -ENOEXEC, "do not end with a NUL");
    built = builder_finish(basic_object());
    built_section(&built, built.section_names)->sh_size = UINT64_MAX;
    expect_refusal_built(built, -ENOEXEC, "beyond the end of the file");
    built = builder_finish(basic_object());
    built_section(&built, DATA)->sh_name = 1u << 30;
    expect_refusal_built(built, -ENOEXEC, "the name of section 3");
    built = builder_finish(basic_object());
    built_section(&built, 0)->sh_name = 1u << 30;
    expect_refusal_built(built, -ENOEXEC, "the name of section 0");
}

static void section_bytes(void **state)
{
    struct built built = builder_finish(basic_object());

    (void)state;
    built_section(&built, RODATA)->sh_offset = built.size - 63;
    expect_refusal_built(built, -ENOEXEC, ".rodata: 0x40 bytes");
    built = builder_finish(basic_object());
    built_section(&built, RODATA)->sh_size = UINT64_MAX - 8;
    expect_refusal_built(built, -ENOEXEC, ".rodata");
    built = builder_finish(basic_object());
    built_section(&built, RODATA)->sh_addralign = 24;
    expect_refusal_built(built, -ENOEXEC, "no power of two");
    built = builder_finish(basic_object());
    built_section(&built, RODATA)->sh_addralign = 1ull << 63;
    expect_refusal_built(built, -E2BIG, ".rodata asks for an alignment of 0x8000000000000000; at most 0x8000000");
    built = builder_finish(basic_object());
    built_symbol(&built, OUTSIDE)->st_shndx = SHN_COMMON;
    built_symbol(&built, OUTSIDE)->st_value = 1ull << 28;
    expect_refusal_built(built, -E2BIG, "common symbol 'outside_function' asks for an alignment of 0x10000000");
    built = builder_finish(basic_object());
    built_section(&built, BSS)->sh_size = UINT64_MAX - 3;
    expect_refusal_built(built, -E2BIG, "1024 MiB");
    built = builder_finish(basic_object());
    built_section(&built, BSS)->sh_size = (1ull << 30) - 64;
    expect_refusal_built(built, -E2BIG, "1024 MiB; section .bss takes most, 0x3fffffc0 bytes aligned to 0x10");
}

static void section_kinds(void **state)
{
    struct built built = builder_finish(basic_object());

    (void)state;
    built_section(&built, DATA)->sh_flags |= SHF_EXECINSTR;
    expect_refusal_built(built, -ENOEXEC, ".data is both writable and executable");
    built = builder_finish(basic_object());
    built_section(&built, RODATA)->sh_flags |= SHF_COMPRESSED;
    expect_refusal_built(built, -ENOEXEC, ".rodata is compressed");
    built = builder_finish(basic_object());
    built_section(&built, RODATA)->sh_type = SHT_LOUSER;
    expect_refusal_built(built, -ENOEXEC, "type 0x80000000");
    built = builder_finish(basic_object());
    built_section(&built, RODATA)->sh_type = SHT_PREINIT_ARRAY;
    expect_refusal_built(built, -ENOEXEC, "type 0x10");
    built = builder_finish(basic_object());
    built_section(&built, TEXT)->sh_type = SHT_NOBITS;
    expect_refusal_built(built, -ENOEXEC, ".text is executable but has no contents");
}

static void symbol_table(void **state)
{
    struct built built = builder_finish(basic_object());

    (void)state;
    built_section(&built, built.symbol_table)->sh_entsize = 0;
    expect_refusal_built(built, -ENOEXEC, "entries of 0");
    built = builder_finish(basic_object());
    built_section(&built, built.symbol_table)->sh_size--;
    expect_refusal_built(built, -ENOEXEC, "symbol table");
    built = builder_finish(basic_object());
    built_section(&built, built.symbol_table)->sh_link = 77;
    expect_refusal_built(built, -ENOEXEC, "symbol names are in section 77");
    built = builder_finish(basic_object());
    built_section(&built, built.symbol_table)->sh_link = TEXT;
    expect_refusal_built(built, -ENOEXEC, "not a string table");
    built = builder_finish(basic_object());
    built_section(&built, built.symbol_names)->sh_size--;
    expect_refusal_built(built, -ENOEXEC, "do not end with a NUL");
    built = builder_finish(basic_object());
    built_section(&built, built.symbol_names)->sh_type = SHT_SYMTAB;
    expect_refusal_built(built, -ENOEXEC, "both symbol tables");
}

static void symbols(void **state)
{
    struct built built = builder_finish(basic_object());

    (void)state;
    built_symbol(&built, DATUM)->st_name = 1u << 31;
    expect_refusal_built(built, -ENOEXEC, "the name of symbol 3");
    built = builder_finish(basic_object());
    built_symbol(&built, DATUM)->st_shndx = 99;
    expect_refusal_built(built, -ENOEXEC, "symbol 3 is in section 99");
    built = builder_finish(basic_object());
    built_symbol(&built, DATUM)->st_value = 65;
    expect_refusal_built(built, -ENOEXEC, "'datum' is at .data+0x41, beyond");
    built = builder_finish(basic_object());
    built_symbol(&built, DATUM)->st_shndx = 0xff1f;
    expect_refusal_built(built, -ENOEXEC, "reserved section index 0xff1f");
    built = builder_finish(basic_object());
    built_symbol(&built, DATUM)->st_shndx = SHN_XINDEX;
    expect_refusal_built(built, -ENOEXEC, "no table of them");
}

static void symbol_types(void **state)
{
    struct built built = builder_finish(basic_object());

    (void)state;
    built_symbol(&built, DATUM)->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS);
    expect_refusal_built(built, -ELINK, "'datum' is thread-local (TLS)");
    built = builder_finish(basic_object());
    built_symbol(&built, FUNCTION)->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
    expect_refusal_built(built, -ELINK, "'function' is an indirect function (IFUNC)");
    built = builder_finish(basic_object());
    built_symbol(&built, FUNCTION)->st_info = ELF64_ST_INFO(STB_GLOBAL, 9);
    expect_refusal_built(built, -ELINK, "'function' is of type 9");
    built = builder_finish(basic_object());
    built_section(&built, DATA)->sh_flags |= SHF_TLS;
    expect_refusal_built(built, -ELINK, ".data holds thread-local storage (TLS)");
}

static void extended_symbol_indices(void **state)
{
    struct builder *builder = basic_object();
    uint32_t indices[7] = {0};
    struct bench bench = {0};
    unsigned table;

    (void)state;
    table = builder_section(builder, ".symtab_shndx", SHT_SYMTAB_SHNDX, 0, indices, sizeof indices, 4);
    builder_relocation(builder, TEXT, 0, R_X86_64_64, DATUM, 0);
    indices[DATUM] = RODATA;
    bench.built = builder_finish(builder);
    built_symbol(&bench.built, DATUM)->st_shndx = SHN_XINDEX;
    built_section(&bench.built, table)->sh_link = bench.built.symbol_table;
    assert_int_equal(bench_load_built(&bench, 0x400000), 0);
    assert_int_equal(bench_field(&bench, ".text", 0, 8), bench_address(&bench, ".rodata") + 16);
    bench_end(&bench);
    bench = (struct bench){.built = builder_finish(builder)};
    built_symbol(&bench.built, ZEROS)->st_shndx = SHN_XINDEX; /* its entry says section 0 */
    built_section(&bench.built, table)->sh_link = bench.built.symbol_table;
    assert_int_equal(bench_load_built(&bench, 0x400000), 0);
    bench_end(&bench);
    bench = (struct bench){.built = builder_finish(builder)};
    built_section(&bench.built, table)->sh_link = bench.built.symbol_table;
    built_section(&bench.built, table)->sh_size = 24;
    expect_refusal_built(bench.built, -ENOEXEC, "fewer entries");
}

static void relocation_tables(void **state)
{
    struct builder *builder = basic_object();
    struct built built;

    (void)state;
    builder_relocation(builder, TEXT, 0, R_X86_64_64, DATUM, 0);
    built = builder_finish(builder);
    built_section(&built, built.relocations)->sh_info = 1000;
    expect_refusal_built(built, -ENOEXEC, "relocates section 1000");
    built = builder_finish(builder);
    built_section(&built, built.relocations)->sh_link = TEXT;
    expect_refusal_built(built, -ENOEXEC, "refers to section 1 for its symbols");
    built = builder_finish(builder);
    built_section(&built, built.relocations)->sh_entsize = 0;
    expect_refusal_built(built, -ENOEXEC, "entries of 0");
    built = builder_finish(builder);
    built_section(&built, built.relocations)->sh_size = 25;
    expect_refusal_built(built, -ENOEXEC, "0x19 bytes");
    built = builder_finish(builder);
    built_section(&built, built.relocations)->sh_type = SHT_REL;
    expect_refusal_built(built, -ENOEXEC, "not known here");
}

static void relocations_for_what_is_not_loaded(void **state)
{
    struct builder *builder = basic_object();
    unsigned debug = builder_section(builder, ".debug_info", SHT_PROGBITS, SHF_COMPRESSED, "\0\0\0", 4, 1);
    struct bench bench = {0};

    (void)state;
    builder_relocation(builder, debug, 1u << 20, 250, 9999, 0);
    assert_int_equal(bench_load(&bench, builder, 0x400000), 0);
    bench_end(&bench);
}

static void no_symbols_at_all(void **state)
{
    struct builder builder = {0};
    struct bench bench = {0};
    unsigned data = builder_section(&builder, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, NULL, 16, 8);

    (void)state;
    builder_relocation(&builder, data, 8, R_X86_64_64, 0, 42);
    bench.built = builder_finish(&builder);
    built_section(&bench.built, bench.built.symbol_table)->sh_type = SHT_NULL;
    built_section(&bench.built, bench.built.relocations)->sh_link = 0;
    assert_int_equal(bench_load_built(&bench, 0x400000), 0);
    assert_int_equal(bench_field(&bench, ".data", 8, 8), 42);
    bench_end(&bench);
}

static void every_allocation_may_fail(void **state)
{
    struct builder *builder = basic_object();
    unsigned failures = 0;
    static uint8_t array[8];

    (void)state;
    builder_section(builder, ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, array, 8, 8);
    builder_relocation(builder, 5, 0, R_X86_64_64, FUNCTION, 0);
    for (unsigned n = 1;; n++) {
        struct bench bench = {.fail_at = n};
        int error = bench_load(&bench, builder, 0x400000);

        bench_end(&bench);
        if (!error)
            break;
        assert_int_equal(error, -ENOMEM);
        failures++;
    }
    assert_int_equal(failures, 3);
}

static void ten_thousand_cycles(void **state)
{
    struct builder *builder = basic_object();
    struct built good, bad;

    (void)state;
    builder_relocation(builder, TEXT, 4, R_X86_64_PLT32, OUTSIDE, -4);
    good = builder_finish(builder);
    builder_symbol(builder, "missing", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
    builder_relocation(builder, TEXT, 12, R_X86_64_PLT32, 7, -4);
    bad = builder_finish(builder);
    for (unsigned i = 0; i < 10000; i++) {
        struct bench bench = {.built = i & 1 ? bad : good};

        assert_int_equal(bench_load_built(&bench, 0x400000), i & 1 ? -ELINK : 0);
        bench_close(&bench); /* asserts that the loader holds nothing */
    }
    free(good.bytes);
    free(bad.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads),
        cmocka_unit_test(any_truncation),
        cmocka_unit_test(any_alignment_of_the_file),
        cmocka_unit_test(identity),
        cmocka_unit_test(section_headers),
        cmocka_unit_test(extended_counts),
        cmocka_unit_test(section_names),
        cmocka_unit_test(section_bytes),
        cmocka_unit_test(section_kinds),
        cmocka_unit_test(symbol_table),
        cmocka_unit_test(symbols),
        cmocka_unit_test(symbol_types),
        cmocka_unit_test(extended_symbol_indices),
        cmocka_unit_test(relocation_tables),
        cmocka_unit_test(relocations_for_what_is_not_loaded),
        cmocka_unit_test(no_symbols_at_all),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(ten_thousand_cycles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
