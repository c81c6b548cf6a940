/*
 * builder.c - makes relocatable objects in memory for the loader's tests, and loads them.
 */
#include "tests/hosted/loader/builder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The file in the making: bytes that grow. */
struct file {
    uint8_t *bytes;
    size_t size;
};

static size_t append(struct file *file, const void *bytes, size_t size)
{
    size_t place = file->size;

    file->bytes = realloc(file->bytes, file->size + size + 1);
    assert_non_null(file->bytes);
    if (bytes)
        memcpy(file->bytes + place, bytes, size);
    else
        memset(file->bytes + place, 0, size);
    file->size += size;
    return place;
}

unsigned builder_section(struct builder *builder, const char *name, uint32_t type, uint64_t flags, const void *contents,
                         uint64_t bytes, uint64_t alignment)
{
    unsigned index = builder->section_count++;

    assert_true(index < BUILDER_SECTIONS);
    builder->sections[index].name = name;
    builder->sections[index].contents = contents;
    builder->sections[index].header = (Elf64_Shdr){
        .sh_type = type, .sh_flags = flags, .sh_size = bytes, .sh_addralign = alignment};
    return index + 1;
}

unsigned builder_symbol(struct builder *builder, const char *name, unsigned bind, unsigned type, unsigned section,
                        uint64_t value, uint64_t size)
{
    unsigned index = builder->symbol_count++;

    assert_true(index < BUILDER_SYMBOLS);
    builder->symbols[index].name = name;
    builder->symbols[index].symbol = (Elf64_Sym){.st_info = (unsigned char)ELF64_ST_INFO(bind, type),
                                                 .st_shndx = (uint16_t)section,
                                                 .st_value = value,
                                                 .st_size = size};
    return index + 1;
}

void builder_relocation(struct builder *builder, unsigned section, uint64_t offset, uint32_t type, unsigned symbol,
                        int64_t addend)
{
    unsigned index = builder->relocation_count++;

    assert_true(index < BUILDER_RELOCATIONS);
    builder->relocations[index].section = section;
    builder->relocations[index].relocation = (Elf64_Rela){
        .r_offset = offset, .r_info = ELF64_R_INFO((uint64_t)symbol, type), .r_addend = addend};
}

/* Writes the relocations for `section`, if there are any, and says how many bytes they are. */
static size_t put_relocations(const struct builder *builder, struct file *file, unsigned section)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < builder->relocation_count; i++) {
        if (builder->relocations[i].section != section)
            continue;
        append(file, &builder->relocations[i].relocation, sizeof(Elf64_Rela));
        bytes += sizeof(Elf64_Rela);
    }
    return bytes;
}

static Elf64_Shdr put_symbols(const struct builder *builder, struct file *file, struct file *names)
{
    Elf64_Shdr header = {.sh_type = SHT_SYMTAB, .sh_entsize = sizeof(Elf64_Sym), .sh_addralign = 8, .sh_info = 1};

    append(file, NULL, -file->size & 7);
    header.sh_offset = append(file, &(Elf64_Sym){0}, sizeof(Elf64_Sym));
    for (unsigned i = 0; i < builder->symbol_count; i++) {
        Elf64_Sym symbol = builder->symbols[i].symbol;
        const char *name = builder->symbols[i].name;

        symbol.st_name = *name ? (uint32_t)append(names, name, strlen(name) + 1) : 0;
        append(file, &symbol, sizeof symbol);
    }
    header.sh_size = file->size - header.sh_offset;
    return header;
}

struct built builder_finish(const struct builder *builder)
{
    Elf64_Shdr headers[2 * BUILDER_SECTIONS + 4] = {0};
    unsigned count = builder->section_count + 1;
    struct file file = {0}, section_names = {0}, symbol_names = {0};
    struct built built;
    Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                         .e_type = ET_REL,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_ehsize = sizeof(Elf64_Ehdr),
                         .e_shentsize = sizeof(Elf64_Shdr)};

    append(&file, &header, sizeof header);
    append(&section_names, "", 1);
    append(&symbol_names, "", 1);
    for (unsigned i = 1; i < count; i++) {
        const char *name = builder->sections[i - 1].name;

        headers[i] = builder->sections[i - 1].header;
        headers[i].sh_name = (uint32_t)append(&section_names, name, strlen(name) + 1);
        headers[i].sh_offset = file.size;
        if (headers[i].sh_type != SHT_NOBITS)
            append(&file, builder->sections[i - 1].contents, headers[i].sh_size);
    }
    built.relocations = count;
    for (unsigned i = 1; i <= builder->section_count; i++) {
        size_t place = file.size, bytes = put_relocations(builder, &file, i);

        if (!bytes)
            continue;
        headers[count++] = (Elf64_Shdr){.sh_name = (uint32_t)append(&section_names, ".rela", 6),
                                        .sh_type = SHT_RELA,
                                        .sh_offset = place,
                                        .sh_size = bytes,
                                        .sh_info = i,
                                        .sh_entsize = sizeof(Elf64_Rela)};
    }
    built.symbol_table = count;
    built.symbol_names = count + 1;
    built.section_names = count + 2;
    for (unsigned i = built.relocations; i < count; i++)
        headers[i].sh_link = built.symbol_table;
    headers[count] = put_symbols(builder, &file, &symbol_names);
    headers[count].sh_link = built.symbol_names;
    headers[count].sh_name = (uint32_t)append(&section_names, ".symtab", 8);
    headers[built.symbol_names] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_size = symbol_names.size};
    headers[built.symbol_names].sh_offset = append(&file, symbol_names.bytes, symbol_names.size);
    headers[built.section_names] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_size = section_names.size};
    headers[built.section_names].sh_offset = append(&file, section_names.bytes, section_names.size);
    append(&file, NULL, -file.size & 7);
    header.e_shnum = (uint16_t)(count + 3);
    header.e_shstrndx = (uint16_t)built.section_names;
    header.e_shoff = append(&file, headers, (count + 3) * sizeof *headers);
    memcpy(file.bytes, &header, sizeof header);
    free(section_names.bytes);
    free(symbol_names.bytes);
    built.size = file.size;
    built.bytes = realloc(file.bytes, file.size);
    return built;
}

Elf64_Ehdr *built_header(const struct built *built)
{
    return (Elf64_Ehdr *)built->bytes;
}

Elf64_Shdr *built_section(const struct built *built, unsigned index)
{
    return (Elf64_Shdr *)(built->bytes + built_header(built)->e_shoff) + index;
}

Elf64_Sym *built_symbol(const struct built *built, unsigned index)
{
    return (Elf64_Sym *)(built->bytes + built_section(built, built->symbol_table)->sh_offset) + index;
}

static bool resolve(void *context, const char *name, uint64_t *address)
{
    const struct bench *bench = context;

    if (strncmp(name, "outside", 7) != 0)
        return false;
    *address = bench->outside;
    return true;
}

static void *allocate(void *context, size_t bytes)
{
    struct bench *bench = context;
    void *memory;

    if (++bench->allocations == bench->fail_at)
        return NULL;
    memory = malloc(bytes);
    assert_non_null(memory);
    memset(memory, 0xa5, bytes);
    bench->allocated += bytes;
    return memory;
}

static void release(void *context, void *memory, size_t bytes)
{
    struct bench *bench = context;

    assert_non_null(memory);
    assert_true(bytes <= bench->allocated);
    bench->allocated -= bytes;
    free(memory);
}

int bench_load_built(struct bench *bench, uint64_t base)
{
    struct loader *loader = &bench->loader;
    int error;

    bench->environment = (struct loader_environment){
        .name = "test", .context = bench, .resolve = resolve, .allocate = allocate, .release = release};
    bench->base = base;
    if (!bench->outside)
        bench->outside = base + 0x100000;
    error = loader_plan(loader, &bench->environment, bench->built.bytes, bench->built.size, &bench->why);
    if (!error)
        error = loader_place(loader, base, &bench->why);
    if (error)
        return error;
    assert_true(loader->bytes <= loader->bytes_most);
    assert_true(loader->image_bytes <= loader->bytes);
    bench->image = calloc(1, loader->image_bytes ? loader->image_bytes : 1);
    assert_non_null(bench->image);
    return loader_link(loader, bench->image, &bench->why);
}

int bench_load(struct bench *bench, const struct builder *builder, uint64_t base)
{
    bench->built = builder_finish(builder);
    return bench_load_built(bench, base);
}

void bench_close(struct bench *bench)
{
    loader_close(&bench->loader);
    loader_close(&bench->loader); /* once more does no harm */
    free(bench->image);
    bench->image = NULL;
    assert_int_equal(bench->allocated, 0);
}

void bench_end(struct bench *bench)
{
    bench_close(bench);
    free(bench->built.bytes);
}

struct loader_section bench_section(const struct bench *bench, const char *name)
{
    struct loader_section section;

    for (uint32_t cursor = 0; loader_next_section(&bench->loader, &cursor, &section);) {
        if (strcmp(section.name, name) == 0)
            return section;
    }
    fail_msg("there is no section %s", name);
    return section;
}

uint64_t bench_address(const struct bench *bench, const char *name)
{
    return bench_section(bench, name).address;
}

uint64_t bench_field(const struct bench *bench, const char *name, uint64_t offset, unsigned width)
{
    struct loader_section section = bench_section(bench, name);
    uint64_t value = 0;

    assert_true(offset + width <= section.bytes);
    assert_true(section.offset + section.bytes <= bench->loader.image_bytes);
    memcpy(&value, bench->image + section.offset + offset, width);
    return value;
}

void expect_refusal_built(struct built built, int error, const char *text)
{
    struct bench bench = {.built = built};
    int result = bench_load_built(&bench, 0x400000);

    if (result != error || bench.why.code != error || !strstr(bench.why.sentence, text))
        fail_msg("expected %s and '%s', got %s: %s", error_name(error), text, error_name(result), bench.why.sentence);
    bench_end(&bench);
}

void expect_refusal(const struct builder *builder, int error, const char *text)
{
    expect_refusal_built(builder_finish(builder), error, text);
}

struct builder *basic_object(void)
{
    static struct builder builder;
    static uint8_t contents[64];

    memset(&builder, 0, sizeof builder);
    memset(contents, 0x90, sizeof contents);
    builder_section(&builder, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, contents, sizeof contents, 16);
    builder_section(&builder, ".rodata", SHT_PROGBITS, SHF_ALLOC, contents, sizeof contents, 16);
    builder_section(&builder, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, contents, sizeof contents, 16);
    builder_section(&builder, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, 64, 16);
    builder_symbol(&builder, "function", STB_GLOBAL, STT_FUNC, TEXT, 16, 8);
    builder_symbol(&builder, "constant", STB_LOCAL, STT_OBJECT, RODATA, 16, 8);
    builder_symbol(&builder, "datum", STB_GLOBAL, STT_OBJECT, DATA, 16, 8);
    builder_symbol(&builder, "zeros", STB_GLOBAL, STT_OBJECT, BSS, 16, 8);
    builder_symbol(&builder, "outside_function", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
    builder_symbol(&builder, "absent", STB_WEAK, STT_NOTYPE, SHN_UNDEF, 0, 0);
    return &builder;
}
