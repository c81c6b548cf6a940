/*
 * builder.h - makes relocatable objects in memory for the loader's tests, and loads them.
 */
#ifndef TESTS_LOADER_BUILDER_H
#define TESTS_LOADER_BUILDER_H

#include "loader/loader.h"
#include <elf.h>

#define BUILDER_SECTIONS 64
#define BUILDER_SYMBOLS 256
#define BUILDER_RELOCATIONS 256

/* An object in the making. All zero is an empty one. Names and contents must stay until builder_finish(). */
struct builder {
    struct {
        const char *name;
        const void *contents; /* NULL: NOBITS, or zeros */
        Elf64_Shdr header;
    } sections[BUILDER_SECTIONS];
    unsigned section_count; /* without the null section */
    struct {
        const char *name;
        Elf64_Sym symbol;
    } symbols[BUILDER_SYMBOLS];
    unsigned symbol_count; /* without the null symbol */
    struct {
        unsigned section;
        Elf64_Rela relocation;
    } relocations[BUILDER_RELOCATIONS];
    unsigned relocation_count;
};

/* Each returns the index that the new section or symbol will have in the object. */
unsigned builder_section(struct builder *builder, const char *name, uint32_t type, uint64_t flags, const void *contents,
                         uint64_t bytes, uint64_t alignment);
unsigned builder_symbol(struct builder *builder, const char *name, unsigned bind, unsigned type, unsigned section,
                        uint64_t value, uint64_t size);
void builder_relocation(struct builder *builder, unsigned section, uint64_t offset, uint32_t type, unsigned symbol,
                        int64_t addend);

/* Where the tables of a finished object stand: section indices. */
struct built {
    uint8_t *bytes; /* from malloc(), exactly `size` bytes, so that a read beyond them is noticed */
    size_t size;
    unsigned symbol_table, symbol_names, section_names;
    unsigned relocations; /* the first table of relocations */
};

struct built builder_finish(const struct builder *builder);
Elf64_Ehdr *built_header(const struct built *built);
Elf64_Shdr *built_section(const struct built *built, unsigned index);
Elf64_Sym *built_symbol(const struct built *built, unsigned index);

/* A load of a built object, with a map of a few symbols, an allocator that counts, and the image. */
struct bench {
    struct built built;
    struct loader_environment environment;
    struct loader loader;
    struct failure why;
    uint8_t *image; /* from malloc(), exactly what the loader asks for */
    uint64_t base;
    uint64_t outside; /* where symbols that begin with "outside" are found */
    size_t allocated; /* bytes that the loader holds */
    unsigned allocations;
    unsigned fail_at; /* this allocation fails; 0: none */
};

/* Builds and loads at `base`, as far as it goes. Returns what loading came to. bench_end() frees everything. */
int bench_load(struct bench *bench, const struct builder *builder, uint64_t base);
/* The same for an object that is in bench->built already. */
int bench_load_built(struct bench *bench, uint64_t base);
/* Releases the loader and checks that it holds nothing. */
void bench_close(struct bench *bench);
/* Releases the object as well. */
void bench_end(struct bench *bench);

/* The little-endian number of `width` bytes at `offset` of the loaded section `name`; its address. */
uint64_t bench_field(const struct bench *bench, const char *name, uint64_t offset, unsigned width);
uint64_t bench_address(const struct bench *bench, const char *name);
struct loader_section bench_section(const struct bench *bench, const char *name);

/* Loads the object, expects `error` and a sentence that contains `text`, and that nothing is left behind. */
void expect_refusal(const struct builder *builder, int error, const char *text);
void expect_refusal_built(struct built built, int error, const char *text); /* frees it */

/*
 * An object with 64 bytes of .text, .rodata and .data each (sections 1, 2, 3), 64 of .bss (4), and symbols: 1
 * `function` at .text+16, 2 `constant` at .rodata+16, 3 `datum` at .data+16 (8 bytes), 4 `zeros` at .bss+16, 5
 * `outside_function`, 6 `absent` (weak).
 */
struct builder *basic_object(void);
enum { TEXT = 1, RODATA, DATA, BSS };
enum { FUNCTION = 1, CONSTANT, DATUM, ZEROS, OUTSIDE, ABSENT };

#endif
