/* sources: core/symbols.c core/sort.c */
/*
 * symbols.c - the symbol map: every export is found by name and nothing else is, and an address is given the symbol at
 * or before it, in the kernel and in modules, as a search through all of them says.
 */
#include "core/symbols.h"
#include "core/heap.h"
#include "core/log.h"
#include "core/module.h"
#include "core/panic.h"
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EXPORTS 3000
#define SYMBOLS 5000
#define REGION 65536
#define NAME_BYTES 24
#define MODULE_PAGE 4096

/* What the linker would give: the kernel's exports, and where its image is. */
struct module_export exports_start[EXPORTS];
char text_start[REGION];
__asm__(".globl exports_end, text_end, data_end\n"
        ".set exports_end, exports_start + 3000 * 16\n"
        ".set text_end, text_start + 32768\n"
        ".set data_end, text_start + 65536\n");
_Static_assert(EXPORTS == 3000 && sizeof(struct module_export) == 16 && REGION == 65536, "as the lines above have it");

struct module_list modules = TAILQ_HEAD_INITIALIZER(modules);

static char export_names[EXPORTS][NAME_BYTES], symbol_names[SYMBOLS * NAME_BYTES];
static Elf64_Sym table[SYMBOLS];
static unsigned lines_logged;
static struct module first = {.name = "m-first"}, second = {.name = "m-second"};

static void *blocks[8]; /* that the map has: it keeps them for ever */
static unsigned block_count;

void *heap_alloc_zeroed(size_t count, size_t bytes)
{
    assert_true(block_count < sizeof blocks / sizeof *blocks);
    return blocks[block_count++] = calloc(count, bytes);
}

void *heap_alloc(size_t bytes)
{
    return heap_alloc_zeroed(1, bytes);
}

void log_line(const char *format, ...)
{
    (void)format;
    lines_logged++;
}

_Noreturn void panic(const char *format, ...)
{
    printf("panic: %s\n", format);
    abort();
}

struct module *module_at(uintptr_t address)
{
    struct module *module;

    TAILQ_FOREACH(module, &modules, link) {
        if (address - (uintptr_t)module->base < module->pages * MODULE_PAGE)
            return module;
    }
    return NULL;
}

static unsigned random_number(unsigned below)
{
    static uint64_t state = 88172645463325252ull;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % below);
}

/* Names that are much alike: of the same letters in other places, and beginnings of each other. */
static void name_exports(void)
{
    for (unsigned i = 0; i < EXPORTS; i++) {
        snprintf(export_names[i], NAME_BYTES, i % 2 ? "export_%u" : "%u_export", i);
        exports_start[i] = (struct module_export){text_start + i, export_names[i]};
    }
}

/* A table as the boot loader brings it, in no order; symbol 0 is the null symbol. */
static size_t make_table(void)
{
    static const unsigned types[] = {STT_FUNC, STT_OBJECT, STT_NOTYPE};
    size_t bytes = 1;

    for (unsigned i = 1; i < SYMBOLS; i++) {
        table[i] = (Elf64_Sym){.st_name = (uint32_t)bytes,
                               .st_info = ELF64_ST_INFO(STB_GLOBAL, types[random_number(3)]),
                               .st_value = (uintptr_t)text_start + 64 + random_number(REGION - 64)};
        bytes += (size_t)snprintf(symbol_names + bytes, NAME_BYTES, "symbol_%u", i) + 1;
    }
    /* What is not to be taken: outside of the image, a file, a section, no name, a name that is not there. */
    table[1].st_value = (uintptr_t)text_start - 1;
    table[2].st_value = (uintptr_t)text_start + REGION;
    table[3].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FILE);
    table[4].st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION);
    table[5].st_name = 0;
    table[6].st_name = (uint32_t)bytes;
    return bytes;
}

static bool is_taken(unsigned index)
{
    return index > 6;
}

static int start(void **state)
{
    size_t bytes;

    (void)state;
    name_exports();
    symbols_init(NULL, 0, NULL, 0);
    assert_int_equal(lines_logged, 1); /* no table: it is said */
    bytes = make_table();
    symbols_init(table, sizeof table, symbol_names, bytes - 1); /* the last name does not end */
    assert_int_equal(lines_logged, 2);
    symbols_init(table, sizeof table, symbol_names, bytes);
    assert_int_equal(lines_logged, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (block_count > 0)
        free(blocks[--block_count]);
    return 0;
}

static void exports_by_name(void **state)
{
    char name[NAME_BYTES];

    (void)state;
    for (unsigned i = 0; i < EXPORTS; i++) {
        snprintf(name, sizeof name, "%s", export_names[i]); /* another copy of the same name */
        assert_int_equal(symbol_exported(name), (uintptr_t)text_start + i);
        strcat(name, "x");
        assert_int_equal(symbol_exported(name), 0);
        snprintf(name, sizeof name, i % 2 ? "%u_export" : "export_%u", i);
        assert_int_equal(symbol_exported(name), 0);
    }
    assert_int_equal(symbol_exported(""), 0);
    assert_int_equal(symbol_exported("symbol_100"), 0); /* in the image, but not exported */
}

/* The highest address of a symbol that is not above `address`; 0: none. */
static uintptr_t nearest(uintptr_t address)
{
    uintptr_t best = 0;

    for (unsigned i = 1; i < SYMBOLS; i++) {
        if (is_taken(i) && table[i].st_value <= address && table[i].st_value > best)
            best = table[i].st_value;
    }
    return best;
}

static void check_place(uintptr_t address)
{
    struct symbol_place place;
    uintptr_t best = nearest(address);
    unsigned index;

    if (!best) {
        assert_false(symbol_at(address, &place));
        return;
    }
    assert_true(symbol_at(address, &place));
    assert_null(place.module);
    assert_int_equal(place.address, best);
    assert_int_equal(place.offset, address - best);
    assert_int_equal(sscanf(place.name, "symbol_%u", &index), 1);
    assert_int_equal(table[index].st_value, best);
}

static void kernel_addresses(void **state)
{
    uintptr_t base = (uintptr_t)text_start;
    struct symbol_place place;

    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        check_place(base + random_number(REGION));
    for (unsigned i = 7; i < 1000; i++) {
        check_place(table[i].st_value);
        check_place(table[i].st_value - 1);
    }
    check_place(base);
    check_place(base + REGION - 1);
    assert_false(symbol_at(base - 1, &place));
    assert_false(symbol_at(base + REGION, &place));
    assert_false(symbol_at(0, &place));
    assert_false(symbol_at(UINTPTR_MAX, &place));
}

/* Two modules with a page between them, one without symbols at its start. */
static void modules_addresses(void **state)
{
    static struct module_symbol of_first[] = {{0x10000, 16, "begin"}, {0x10020, 16, "middle"}, {0x11ff0, 8, "end"}};
    static struct module_symbol of_second[] = {{0x13100, 0, "late"}};
    struct symbol_place place;

    (void)state;
    first.base = (uint8_t *)0x10000;
    first.pages = 2;
    first.symbols = of_first;
    first.symbols_count = 3;
    second.base = (uint8_t *)0x13000;
    second.pages = 1;
    second.symbols = of_second;
    second.symbols_count = 1;
    TAILQ_INSERT_TAIL(&modules, &first, link);
    TAILQ_INSERT_TAIL(&modules, &second, link);
    assert_true(symbol_at(0x1001f, &place) && strcmp(place.name, "begin") == 0 && place.offset == 0x1f);
    assert_string_equal(place.module, "m-first");
    assert_true(symbol_at(0x10020, &place) && strcmp(place.name, "middle") == 0 && place.offset == 0);
    assert_true(symbol_at(0x11fff, &place) && strcmp(place.name, "end") == 0 && place.offset == 15);
    assert_false(symbol_at(0x12000, &place));
    assert_false(symbol_at(0x130ff, &place)); /* before its first symbol */
    assert_true(symbol_at(0x13100, &place) && strcmp(place.module, "m-second") == 0);
}

static void any_by_name(void **state)
{
    char name[NAME_BYTES];

    (void)state;
    for (unsigned i = 1; i < 200; i++) {
        snprintf(name, sizeof name, "symbol_%u", i);
        assert_int_equal(symbol_find(name), is_taken(i) ? table[i].st_value : 0);
    }
    assert_int_equal(symbol_find("export_7"), (uintptr_t)text_start + 7);
    assert_int_equal(symbol_find("middle"), 0x10020);
    assert_int_equal(symbol_find("late"), 0x13100);
    assert_int_equal(symbol_find("nothing"), 0);
}

static void completion(void **state)
{
    unsigned found = 0, expected = 0, modules_found = 0;
    const char *name;

    (void)state;
    for (unsigned i = 7; i < SYMBOLS; i++)
        expected += strncmp(symbol_names + table[i].st_name, "symbol_12", 9) == 0;
    for (size_t cursor = 0; (name = symbol_complete("symbol_12", &cursor)); found++)
        assert_memory_equal(name, "symbol_12", 9);
    assert_int_equal(found, expected);
    assert_int_equal(expected, 111);
    for (size_t cursor = 0; (name = symbol_complete("nothing", &cursor));)
        fail_msg("%s does not begin like that", name);
    found = 0;
    for (size_t cursor = 0; (name = symbol_complete("", &cursor)); found++)
        if (strcmp(name, "begin") == 0 || strcmp(name, "end") == 0 || strcmp(name, "late") == 0)
            modules_found++;
    assert_int_equal(modules_found, 3);
    assert_true(found > SYMBOLS / 2);
}

static void text_alone(void **state)
{
    uintptr_t base = (uintptr_t)text_start;

    (void)state;
    assert_true(symbol_in_text(base) && symbol_in_text(base + REGION / 2 - 1));
    assert_false(symbol_in_text(base - 1) || symbol_in_text(base + REGION / 2) || symbol_in_text(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exports_by_name), cmocka_unit_test(kernel_addresses), cmocka_unit_test(modules_addresses),
        cmocka_unit_test(any_by_name),     cmocka_unit_test(completion),       cmocka_unit_test(text_alone),
    };

    return cmocka_run_group_tests(tests, start, end);
}
