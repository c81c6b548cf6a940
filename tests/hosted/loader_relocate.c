/* sources: tests/hosted/loader/builder.c loader/loader.c loader/object.c loader/layout.c loader/symbols.c
   loader/image.c loader/relocate.c loader/x86_64.c loader/arrays.c loader/sort.c loader/declaration.c core/text.c
   core/errors.c */
/*
 * loader_relocate.c - every relocation type: its value, the range of its field; the global offset table, stubs, and
 * what is refused.
 */
#include "tests/hosted/loader/builder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x400000ull
#define ABSOLUTE 7 /* the symbol that one_field() adds */

/* Loads a basic object with one relocation at .data+8, where symbol ABSOLUTE has that value, and gives the field. */
static int one_field(uint32_t type, unsigned symbol, uint64_t value, int64_t addend, unsigned width, uint64_t *field)
{
    struct builder *builder = basic_object();
    struct bench bench = {0};
    int error;

    builder_symbol(builder, "absolute", STB_GLOBAL, STT_NOTYPE, SHN_ABS, value, 0);
    builder_relocation(builder, DATA, 8, type, symbol, addend);
    error = bench_load(&bench, builder, BASE);
    if (!error) {
        *field = bench_field(&bench, ".data", 8, width);
        assert_int_equal(bench.loader.relocations[type], 1);
        assert_int_equal(bench_field(&bench, ".data", 8 + width, 4), 0x90909090); /* no byte more is written */
        assert_int_equal(bench_field(&bench, ".data", 4, 4), 0x90909090);
    } else {
        assert_non_null(strstr(bench.why.sentence, loader_relocation_name(type)));
        assert_non_null(strstr(bench.why.sentence, ".data+0x8"));
        assert_non_null(strstr(bench.why.sentence, "does not fit"));
    }
    bench_end(&bench);
    return error;
}

static void expect_fits(uint32_t type, uint64_t value, unsigned width)
{
    uint64_t mask = width == 8 ? UINT64_MAX : (1ull << (8 * width)) - 1, field = 0;

    assert_int_equal(one_field(type, ABSOLUTE, value, 0, width, &field), 0);
    assert_int_equal(field, value & mask);
    assert_int_equal(one_field(type, ABSOLUTE, value - 5, 5, width, &field), 0);
    assert_int_equal(field, value & mask);
}

static void expect_overflow(uint32_t type, uint64_t value, unsigned width)
{
    uint64_t field;

    assert_int_equal(one_field(type, ABSOLUTE, value, 0, width, &field), -ELINK);
}

/* The same for types that subtract the place, .data+8, which is what makes `value`. */
static void expect_distance(uint32_t type, int64_t value, unsigned width, bool fits)
{
    uint64_t place = BASE + 2 * LOADER_PAGE + 8, field = 0;
    uint64_t mask = width == 8 ? UINT64_MAX : (1ull << (8 * width)) - 1;

    assert_int_equal(one_field(type, ABSOLUTE, place + (uint64_t)value, 0, width, &field), fits ? 0 : -ELINK);
    if (fits)
        assert_int_equal(field, (uint64_t)value & mask);
}

static void absolute_types(void **state)
{
    (void)state;
    expect_fits(R_X86_64_64, 0x123456789abcdef0, 8);
    expect_fits(R_X86_64_64, UINT64_MAX, 8);
    expect_fits(R_X86_64_32, 0xffffffff, 4);
    expect_fits(R_X86_64_32, 0, 4);
    expect_overflow(R_X86_64_32, 0x100000000, 4);
    expect_overflow(R_X86_64_32, UINT64_MAX, 4);
    expect_fits(R_X86_64_32S, 0x7fffffff, 4);
    expect_fits(R_X86_64_32S, 0xffffffff80000000, 4);
    expect_overflow(R_X86_64_32S, 0x80000000, 4);
    expect_overflow(R_X86_64_32S, 0xffffffff7fffffff, 4);
    expect_fits(R_X86_64_16, 0xffff, 2);
    expect_fits(R_X86_64_16, -0x8000ull, 2);
    expect_overflow(R_X86_64_16, 0x10000, 2);
    expect_overflow(R_X86_64_16, -0x8001ull, 2);
    expect_fits(R_X86_64_8, 0xff, 1);
    expect_fits(R_X86_64_8, -0x80ull, 1);
    expect_overflow(R_X86_64_8, 0x100, 1);
    expect_overflow(R_X86_64_8, -0x81ull, 1);
}

static void relative_types(void **state)
{
    (void)state;
    expect_distance(R_X86_64_PC32, INT32_MAX, 4, true);
    expect_distance(R_X86_64_PC32, INT32_MIN, 4, true);
    expect_distance(R_X86_64_PC32, INT32_MAX + 1ll, 4, false);
    expect_distance(R_X86_64_PC32, INT32_MIN - 1ll, 4, false);
    expect_distance(R_X86_64_PLT32, INT32_MAX, 4, true);
    expect_distance(R_X86_64_PLT32, INT32_MAX + 1ll, 4, false);
    expect_distance(R_X86_64_PLT32, INT32_MIN - 1ll, 4, false);
    expect_distance(R_X86_64_PC16, 0x7fff, 2, true);
    expect_distance(R_X86_64_PC16, 0x8000, 2, false);
    expect_distance(R_X86_64_PC16, -0x8001, 2, false);
    expect_distance(R_X86_64_PC8, 0x7f, 1, true);
    expect_distance(R_X86_64_PC8, 0x80, 1, false);
    expect_distance(R_X86_64_PC8, -0x81, 1, false);
    expect_distance(R_X86_64_PC64, INT64_MIN, 8, true);
    expect_distance(R_X86_64_PC64, INT64_MAX, 8, true);
}

static void sizes(void **state)
{
    uint64_t field = 0;

    (void)state;
    assert_int_equal(one_field(R_X86_64_SIZE32, DATUM, 0, 3, 4, &field), 0);
    assert_int_equal(field, 11);
    assert_int_equal(one_field(R_X86_64_SIZE64, FUNCTION, 0, -9, 8, &field), 0);
    assert_int_equal(field, UINT64_MAX);
    assert_int_equal(one_field(R_X86_64_SIZE32, FUNCTION, 0, -9, 4, &field), -ELINK);
}

static void size_of_an_outside_symbol(void **state)
{
    struct builder *builder = basic_object();

    (void)state;
    builder_relocation(builder, DATA, 8, R_X86_64_SIZE32, OUTSIDE, 0);
    expect_refusal(builder, -ELINK, "R_X86_64_SIZE32 at .data+0x8 against 'outside_function': the size");
}

static void global_offset_table(void **state)
{
    static const struct {
        uint32_t type;
        unsigned width;
    } types[] = {
        {R_X86_64_GOTPCREL, 4}, {R_X86_64_GOTPCRELX, 4}, {R_X86_64_REX_GOTPCRELX, 4}, {R_X86_64_GOTPCREL64, 8}};
    struct builder *builder = basic_object();
    struct bench bench = {0};
    uint64_t got, data;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        builder_relocation(builder, DATA, 8 * i, types[i].type, i & 1 ? OUTSIDE : DATUM, 2);
    builder_relocation(builder, DATA, 32, R_X86_64_GOT32, OUTSIDE, 3);
    builder_relocation(builder, DATA, 40, R_X86_64_GOT64, ABSENT, 4);
    builder_relocation(builder, DATA, 48, R_X86_64_GOTPC64, OUTSIDE, 5);
    builder_relocation(builder, DATA, 56, R_X86_64_GOTPC32, OUTSIDE, 6);
    builder_relocation(builder, RODATA, 0, R_X86_64_GOTOFF64, DATUM, 7);
    builder_relocation(builder, RODATA, 8, R_X86_64_PLTOFF64, OUTSIDE, 8);
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    got = bench_address(&bench, ".got");
    data = bench_address(&bench, ".data");
    assert_int_equal(bench_section(&bench, ".got").bytes, 24); /* one entry a symbol */
    assert_int_equal(bench_section(&bench, ".got").region, LOADER_RODATA);
    assert_int_equal(bench_field(&bench, ".got", 0, 8), data + 16);
    assert_int_equal(bench_field(&bench, ".got", 8, 8), bench.outside);
    assert_int_equal(bench_field(&bench, ".got", 16, 8), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bench_field(&bench, ".data", 8 * i, 4), (uint32_t)(got + 8 * (i & 1) + 2 - (data + 8 * i)));
    assert_int_equal(bench_field(&bench, ".data", 24, 8), got + 8 + 2 - (data + 24));
    assert_int_equal(bench_field(&bench, ".data", 32, 4), 8 + 3);
    assert_int_equal(bench_field(&bench, ".data", 40, 8), 16 + 4);
    assert_int_equal(bench_field(&bench, ".data", 48, 8), got + 5 - (data + 48));
    assert_int_equal(bench_field(&bench, ".data", 56, 4), (uint32_t)(got + 6 - (data + 56)));
    assert_int_equal(bench_field(&bench, ".rodata", 0, 8), data + 16 + 7 - got);
    assert_int_equal(bench_field(&bench, ".rodata", 8, 8), bench.outside + 8 - got);
    bench_end(&bench);
}

static void address_of_the_table(void **state)
{
    struct builder *builder = basic_object();
    unsigned symbol = builder_symbol(builder, "_GLOBAL_OFFSET_TABLE_", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
    struct bench bench = {0};

    (void)state;
    builder_relocation(builder, DATA, 8, R_X86_64_64, symbol, 0);
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    assert_int_equal(bench_field(&bench, ".data", 8, 8), bench_address(&bench, ".got"));
    assert_int_equal(bench_section(&bench, ".got").bytes, 0);
    assert_int_equal(bench.loader.undefined, 0);
    bench_end(&bench);
}

static void kinds_of_symbols(void **state)
{
    struct builder *builder = basic_object();
    struct bench bench = {0};
    unsigned common = builder_symbol(builder, "common", STB_GLOBAL, STT_OBJECT, SHN_COMMON, 256, 100);
    unsigned section = builder_symbol(builder, "", STB_LOCAL, STT_SECTION, DATA, 0, 0);

    (void)state;
    builder_relocation(builder, DATA, 0, R_X86_64_64, FUNCTION, -1);
    builder_relocation(builder, DATA, 8, R_X86_64_64, ZEROS, 0);
    builder_relocation(builder, DATA, 16, R_X86_64_64, OUTSIDE, 1);
    builder_relocation(builder, DATA, 24, R_X86_64_64, ABSENT, 2);
    builder_relocation(builder, DATA, 32, R_X86_64_64, common, 3);
    builder_relocation(builder, DATA, 40, R_X86_64_64, section, 4);
    builder_relocation(builder, DATA, 48, R_X86_64_64, 0, 5);
    builder_relocation(builder, DATA, 64, R_X86_64_NONE, ABSENT, 0);
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    assert_int_equal(bench_field(&bench, ".data", 0, 8), bench_address(&bench, ".text") + 15);
    assert_int_equal(bench_field(&bench, ".data", 8, 8), bench_address(&bench, ".bss") + 16);
    assert_int_equal(bench_field(&bench, ".data", 16, 8), bench.outside + 1);
    assert_int_equal(bench_field(&bench, ".data", 24, 8), 2);
    assert_int_equal(bench_field(&bench, ".data", 32, 8), bench_address(&bench, "COMMON") + 3);
    assert_int_equal(bench_address(&bench, "COMMON") % 256, 0);
    assert_int_equal(bench_section(&bench, "COMMON").bytes, 100);
    assert_int_equal(bench_field(&bench, ".data", 40, 8), bench_address(&bench, ".data") + 4);
    assert_int_equal(bench_field(&bench, ".data", 48, 8), 5);
    bench_end(&bench);
}

/* The object for calls: a call by PLT32, one by PC32, and a load of the address, all of a function from outside. */
static struct builder *calls(void)
{
    static uint8_t text[32] = {0xe8, 0, 0, 0, 0, 0x0f, 0x84, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0, 0x48, 0x8d, 0x05};
    struct builder *builder = basic_object();
    unsigned code = builder_section(builder, ".text.calls", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, text, sizeof text,
                                    1);

    builder_relocation(builder, code, 1, R_X86_64_PLT32, OUTSIDE, -4);
    builder_relocation(builder, code, 7, R_X86_64_PC32, OUTSIDE, -4);
    builder_relocation(builder, code, 12, R_X86_64_PC32, OUTSIDE, -4);
    return builder;
}

static void calls_in_reach(void **state)
{
    struct bench bench = {.outside = BASE + 0x70000000};

    (void)state;
    assert_int_equal(bench_load(&bench, calls(), BASE), 0);
    assert_int_equal(bench.loader.stubs, 0);
    assert_int_equal(bench_field(&bench, ".text.calls", 1, 4),
                     bench.outside - 4 - (bench_address(&bench, ".text.calls") + 1));
    bench_end(&bench);
}

static void calls_through_a_stub(void **state)
{
    struct bench bench = {.outside = 0xffffffff80123456};
    uint64_t stub, got;

    (void)state;
    assert_int_equal(bench_load(&bench, calls(), BASE), 0);
    assert_int_equal(bench.loader.stubs, 1);
    assert_int_equal(bench_section(&bench, ".plt").region, LOADER_TEXT);
    assert_int_equal(bench_section(&bench, ".got").bytes, 8);
    stub = bench_address(&bench, ".plt");
    got = bench_address(&bench, ".got");
    for (unsigned i = 0; i < 3; i++) {
        static const uint64_t offsets[] = {1, 7, 12};

        assert_int_equal(bench_field(&bench, ".text.calls", offsets[i], 4),
                         (uint32_t)(stub - 4 - (bench_address(&bench, ".text.calls") + offsets[i])));
    }
    assert_int_equal(bench_field(&bench, ".plt", 0, 2), 0x25ff);
    assert_int_equal(bench_field(&bench, ".plt", 2, 4), (uint32_t)(got - (stub + 6)));
    assert_int_equal(bench_field(&bench, ".got", 0, 8), bench.outside);
    bench_end(&bench);
}

static void no_stub_for_an_address(void **state)
{
    struct builder *builder = calls();
    struct bench bench = {.outside = 0xffffffff80123456};

    (void)state;
    builder_relocation(builder, 5, 19, R_X86_64_PC32, OUTSIDE, -4); /* lea */
    assert_int_equal(bench_load(&bench, builder, BASE), -ELINK);
    assert_non_null(strstr(bench.why.sentence, "R_X86_64_PC32 at .text.calls+0x13 against 'outside_function'"));
    bench_end(&bench);
}

static void undefined_symbols(void **state)
{
    static char names[BUILDER_SYMBOLS][40];
    struct builder *builder = basic_object();
    struct bench bench = {0};
    const char *name;
    uint32_t cursor = 0;
    unsigned count = 0;

    (void)state;
    builder_relocation(builder, TEXT, 0x21, R_X86_64_PLT32,
                       builder_symbol(builder, "thread_frob", STB_GLOBAL, 0, 0, 0, 0), -4);
    builder_symbol(builder, "unused", STB_GLOBAL, 0, 0, 0, 0);
    expect_refusal(builder, -ELINK, "undefined symbol 'thread_frob' at .text+0x21, needed by test");
    builder_relocation(builder, TEXT, 0x31, R_X86_64_GOTPCREL,
                       builder_symbol(builder, "thread\nfrob", STB_GLOBAL, 0, 0, 0, 0), -4);
    expect_refusal(builder, -ELINK,
                   "undefined symbols 'thread_frob' at .text+0x21, 'thread?frob' at .text+0x31, needed by test");
    for (unsigned i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "missing_symbol_with_a_long_name_%u", i);
        builder_relocation(builder, DATA, 8, R_X86_64_64, builder_symbol(builder, names[i], STB_GLOBAL, 0, 0, 0, 0), 0);
    }
    assert_int_equal(bench_load(&bench, builder, BASE), -ELINK);
    assert_non_null(strstr(bench.why.sentence, " more, needed by test"));
    while (loader_next_undefined(&bench.loader, &cursor, &name))
        count++;
    assert_int_equal(count, 202);
    assert_int_equal(bench.loader.undefined, 202);
    bench_end(&bench);
}

static void refused_types(void **state)
{
    static const struct {
        uint32_t type;
        const char *text;
    } cases[] = {
        {R_X86_64_TPOFF32, "R_X86_64_TPOFF32 at .data+0x8 against 'datum': thread-local storage (TLS)"},
        {R_X86_64_TLSGD, "R_X86_64_TLSGD"},
        {R_X86_64_TLSLD, "R_X86_64_TLSLD"},
        {R_X86_64_DTPOFF32, "R_X86_64_DTPOFF32"},
        {R_X86_64_DTPOFF64, "R_X86_64_DTPOFF64"},
        {R_X86_64_DTPMOD64, "R_X86_64_DTPMOD64"},
        {R_X86_64_TPOFF64, "R_X86_64_TPOFF64"},
        {R_X86_64_GOTTPOFF, "R_X86_64_GOTTPOFF"},
        {R_X86_64_GOTPC32_TLSDESC, "R_X86_64_GOTPC32_TLSDESC"},
        {R_X86_64_TLSDESC_CALL, "R_X86_64_TLSDESC_CALL"},
        {R_X86_64_TLSDESC, "R_X86_64_TLSDESC"},
        {R_X86_64_IRELATIVE, "R_X86_64_IRELATIVE at .data+0x8 against 'datum': indirect functions (IFUNC)"},
        {R_X86_64_COPY, "R_X86_64_COPY"},
        {R_X86_64_GLOB_DAT, "R_X86_64_GLOB_DAT"},
        {R_X86_64_JUMP_SLOT, "R_X86_64_JUMP_SLOT"},
        {R_X86_64_RELATIVE, "R_X86_64_RELATIVE at"},
        {R_X86_64_RELATIVE64, "R_X86_64_RELATIVE64"},
        {R_X86_64_GOTPLT64, "R_X86_64_GOTPLT64"},
        {39, "R_X86_64_PC32_BND at .data+0x8"},
        {40, "R_X86_64_PLT32_BND at .data+0x8"},
        {43, "unknown type 43 at .data+0x8"},
        {250, "unknown type 250"},
        {UINT32_MAX, "unknown type 4294967295"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct builder *builder = basic_object();

        builder_relocation(builder, DATA, 8, cases[i].type, DATUM, 0);
        expect_refusal(builder, -ELINK, cases[i].text);
    }
}

static void every_type_has_a_decision(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < LOADER_RELOCATION_TYPES; type++)
        assert_non_null(loader_relocation_name(type));
    assert_null(loader_relocation_name(LOADER_RELOCATION_TYPES));
    assert_string_equal(loader_relocation_name(R_X86_64_REX_GOTPCRELX), "R_X86_64_REX_GOTPCRELX");
}

static void places_and_symbols_that_are_not(void **state)
{
    struct builder *builder = basic_object();

    (void)state;
    builder_relocation(builder, DATA, 57, R_X86_64_64, DATUM, 0);
    expect_refusal(builder, -ENOEXEC, "R_X86_64_64 at .data+0x39 against 'datum': it lies beyond");
    builder = basic_object();
    builder_relocation(builder, DATA, UINT64_MAX - 2, R_X86_64_32, DATUM, 0);
    expect_refusal(builder, -ENOEXEC, "lies beyond");
    builder = basic_object();
    builder_relocation(builder, BSS, 0, R_X86_64_8, DATUM, 0);
    expect_refusal(builder, -ENOEXEC, "lies beyond");
    builder = basic_object();
    builder_relocation(builder, DATA, 0, R_X86_64_64, 999, 0);
    expect_refusal(builder, -ENOEXEC, "there is no symbol");
}

static void symbols_in_what_is_not_loaded(void **state)
{
    struct builder *builder = basic_object();
    unsigned debug = builder_section(builder, ".debug_str", SHT_PROGBITS, 0, "text", 5, 1);
    unsigned excluded = builder_section(builder, ".left_out", SHT_PROGBITS, SHF_ALLOC | SHF_EXCLUDE, "text", 5, 1);
    unsigned symbol = builder_symbol(builder, "hidden", STB_LOCAL, STT_OBJECT, debug, 900, 0);

    (void)state;
    builder_relocation(builder, DATA, 0, R_X86_64_64, symbol, 0);
    expect_refusal(builder, -ELINK, "against 'hidden': the symbol is in a section that is not loaded");
    builder = basic_object();
    builder_section(builder, ".debug_str", SHT_PROGBITS, 0, "text", 5, 1);
    excluded = builder_section(builder, ".left_out", SHT_PROGBITS, SHF_ALLOC | SHF_EXCLUDE, "text", 5, 1);
    symbol = builder_symbol(builder, "", STB_LOCAL, STT_SECTION, excluded, 0, 0);
    builder_relocation(builder, DATA, 0, R_X86_64_64, symbol, 0);
    expect_refusal(builder, -ELINK, "against '.left_out'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absolute_types),
        cmocka_unit_test(relative_types),
        cmocka_unit_test(sizes),
        cmocka_unit_test(size_of_an_outside_symbol),
        cmocka_unit_test(global_offset_table),
        cmocka_unit_test(address_of_the_table),
        cmocka_unit_test(kinds_of_symbols),
        cmocka_unit_test(calls_in_reach),
        cmocka_unit_test(calls_through_a_stub),
        cmocka_unit_test(no_stub_for_an_address),
        cmocka_unit_test(undefined_symbols),
        cmocka_unit_test(refused_types),
        cmocka_unit_test(every_type_has_a_decision),
        cmocka_unit_test(places_and_symbols_that_are_not),
        cmocka_unit_test(symbols_in_what_is_not_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
