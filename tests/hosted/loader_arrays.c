/* sources: tests/hosted/loader/builder.c loader/loader.c loader/object.c loader/layout.c loader/symbols.c
   loader/image.c loader/relocate.c loader/x86_64.c loader/arrays.c loader/sort.c loader/declaration.c core/text.c
   core/errors.c */
/*
 * loader_arrays.c - arrays of constructors and destructors: which there are, their order, and what they may hold.
 */
#include "tests/hosted/loader/builder.h"
#include <moult/errors.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0xffffffffa0000000ull
#define OUTSIDERS 40

/* Adds an array of constructors or destructors with one entry. */
static void add_array(struct builder *builder, const char *name, uint32_t type, int64_t addend)
{
    unsigned section = builder_section(builder, name, type, SHF_ALLOC | SHF_WRITE, NULL, 8, 8);

    builder_relocation(builder, section, 0, R_X86_64_64, FUNCTION, addend);
}

static void constructors_in_order(void **state)
{
    static const uint64_t order[] = {3, 1, 6, 4, 0, 2};
    struct builder *builder = basic_object();
    struct bench bench = {0};

    (void)state;
    add_array(builder, ".init_array", SHT_INIT_ARRAY, 0);
    add_array(builder, ".init_array.00500", SHT_INIT_ARRAY, 1);
    add_array(builder, ".init_array", SHT_PROGBITS, 2); /* known by its name */
    add_array(builder, ".init_array.101", SHT_INIT_ARRAY, 3);
    add_array(builder, ".init_array.65535", SHT_INIT_ARRAY, 4);
    add_array(builder, ".fini_array.7", SHT_FINI_ARRAY, 5);
    add_array(builder, ".init_array.9999", SHT_INIT_ARRAY, 6);
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    assert_int_equal(bench.loader.init.count, 6);
    assert_int_equal(bench.loader.fini.count, 1);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t entry;

        memcpy(&entry, bench.image + (bench.loader.init.address - BASE) + 8 * i, 8);
        assert_int_equal(entry, BASE + 16 + order[i]);
    }
    bench_end(&bench);
}

static void constructors_that_are_none(void **state)
{
    struct builder *builder = basic_object();
    struct bench bench = {0};

    (void)state;
    add_array(builder, ".init_array", SHT_INIT_ARRAY, 4096);
    expect_refusal(builder, -ENOEXEC, "entry 0 of .init_array");
    builder = basic_object();
    builder_section(builder, ".fini_array", SHT_FINI_ARRAY, SHF_ALLOC | SHF_WRITE, NULL, 8, 8);
    expect_refusal(builder, -ENOEXEC, "entry 0 of .fini_array, 0x0, points to no function");
    builder = basic_object();
    builder_section(builder, ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, NULL, 12, 8);
    expect_refusal(builder, -ENOEXEC, "no whole number of addresses");
    builder = basic_object();
    builder_relocation(builder,
                       builder_section(builder, ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, NULL, 8, 8), 0,
                       R_X86_64_64, OUTSIDE, 0); /* a function of somebody else */
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    assert_int_equal(bench.loader.init.count, 1);
    bench_end(&bench);
}

/* The words of an array as they would be run: how many, and how many of them are no function. */
static void count_words(const struct bench *bench, const struct loader_array *array, unsigned *words, unsigned *gaps)
{
    *words = array->count;
    *gaps = 0;
    for (unsigned i = 0; i < array->count; i++) {
        uint64_t entry;

        memcpy(&entry, bench->image + (array->address - BASE) + 8 * i, 8);
        *gaps += entry == 0;
        assert_true(entry == 0 || entry == BASE + 16 || entry == BASE + 17);
    }
}

/* A part of an array may ask for more than 8 bytes: what lies between it and the part before is no entry. */
static void aligned_parts(void **state)
{
    struct builder *builder = basic_object();
    struct bench bench = {0};
    unsigned words, gaps;

    (void)state;
    add_array(builder, ".init_array", SHT_INIT_ARRAY, 0);
    add_array(builder, ".init_array", SHT_INIT_ARRAY, 1);
    builder->sections[5].header.sh_addralign = 64;
    add_array(builder, ".fini_array", SHT_FINI_ARRAY, 0);
    builder->sections[6].header.sh_addralign = 128;
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    count_words(&bench, &bench.loader.init, &words, &gaps);
    assert_int_equal(words - gaps, 2);
    assert_true(gaps > 0);
    assert_int_equal(bench.loader.init.functions, 2);
    count_words(&bench, &bench.loader.fini, &words, &gaps);
    assert_int_equal(words, 1);
    assert_int_equal(gaps, 0);
    assert_int_equal(bench.loader.fini.functions, 1);
    assert_int_equal(bench.loader.fini.address % 128, 0);
    bench_end(&bench);
}

/* A zero that stands in a section is an entry, and none that could be called, also beside a gap. */
static void zero_beside_a_gap(void **state)
{
    struct builder *builder = basic_object();

    (void)state;
    add_array(builder, ".init_array", SHT_INIT_ARRAY, 0);
    builder_section(builder, ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, NULL, 8, 64);
    expect_refusal(builder, -ENOEXEC, "of .init_array, 0x0, points to no function");
}

/* As many functions of others as it likes. */
static void many_outsiders(void **state)
{
    struct builder *builder = basic_object();
    struct bench bench = {0};
    static char names[OUTSIDERS][16];
    unsigned array = builder_section(builder, ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, NULL,
                                     8 * (OUTSIDERS + 1), 8);

    (void)state;
    for (unsigned i = 0; i < OUTSIDERS; i++) {
        snprintf(names[i], sizeof names[i], "outside_%u", i);
        builder_relocation(builder, array, 8 * i, R_X86_64_64,
                           builder_symbol(builder, names[i], STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0), 0);
    }
    builder_relocation(builder, array, 8 * OUTSIDERS, R_X86_64_64, FUNCTION, 0);
    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    assert_int_equal(bench.loader.init.functions, OUTSIDERS + 1);
    bench_end(&bench);
    builder->relocations[OUTSIDERS - 1].relocation.r_addend = 1; /* beside a function of others */
    expect_refusal(builder, -ENOEXEC, "points to no function");
    builder->relocations[OUTSIDERS - 1].relocation.r_addend = 0;
    bench = (struct bench){.fail_at = 4}; /* sections, order, symbols, then those from outside */
    assert_int_equal(bench_load(&bench, builder, BASE), -ENOMEM);
    bench_end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constructors_in_order), cmocka_unit_test(constructors_that_are_none),
        cmocka_unit_test(aligned_parts),         cmocka_unit_test(zero_beside_a_gap),
        cmocka_unit_test(many_outsiders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
