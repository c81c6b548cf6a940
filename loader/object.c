/*
 * object.c - opens an ELF64 relocatable object: the header and the tables are checked here, before anything in them
 * is used.
 *
 * Entry point: object_open(). Afterwards every section header, the names and the symbol table may be read by a checked
 * index without further doubt: each section's bytes lie in the file, each string table is terminated.
 */
#include "loader/internal.h"
#include <moult/text.h>

int refuse(const struct loader *loader, struct failure *why, int code, const char *format, ...)
{
    va_list arguments;
    size_t length;

    if (!why)
        return code;
    why->code = code;
    length = text_format(why->sentence, sizeof why->sentence, "%.64s: ", loader->environment->name);
    va_start(arguments, format);
    text_format_list(why->sentence + length, sizeof why->sentence - length, format, arguments);
    va_end(arguments);
    text_make_printable(why->sentence);
    return code;
}

void *loader_allocate(const struct loader *loader, uint64_t count, size_t bytes)
{
    size_t total;

    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    return loader->environment->allocate(loader->environment->context, total);
}

void loader_free(const struct loader *loader, void *memory, uint64_t count, size_t bytes)
{
    if (memory)
        loader->environment->release(loader->environment->context, memory, (size_t)count * bytes);
}

const char *section_name(const struct loader *loader, uint32_t index)
{
    uint32_t name = section_at(loader, index)->header.sh_name;

    return loader->section_names_bytes ? loader->section_names + name : "";
}

const char *symbol_name(const struct loader *loader, uint32_t index)
{
    const struct file_symbol *symbol;

    if (!index || index >= loader->symbols) /* the null symbol, which an object without a symbol table has too */
        return "";
    symbol = symbol_at(loader, index);
    if (ELF64_ST_TYPE(symbol->symbol.st_info) == STT_SECTION && !symbol->symbol.st_name)
        return section_name(loader, loader->symbol_states[index].section);
    return loader->symbol_names_bytes ? loader->symbol_names + symbol->symbol.st_name : "";
}

/* Is [offset, offset + bytes) inside the file? */
static bool in_file(const struct loader *loader, uint64_t offset, uint64_t bytes)
{
    return offset <= loader->object_bytes && bytes <= loader->object_bytes - offset;
}

/* The file's identity: is it of the kind that this loader reads at all? */
static int check_identity(const struct loader *loader, const Elf64_Ehdr *header, struct failure *why)
{
    const unsigned char *ident = header->e_ident;

    if (memcmp(ident, ELFMAG, SELFMAG) != 0)
        return refuse(loader, why, -ENOEXEC, "not an ELF file: it begins with %02x %02x %02x %02x", ident[0], ident[1],
                      ident[2], ident[3]);
    if (ident[EI_CLASS] != ELFCLASS64)
        return refuse(loader, why, -ENOEXEC, "ELF class %u; only 64-bit objects (class 2) are loaded", ident[EI_CLASS]);
    if (ident[EI_DATA] != ELFDATA2LSB)
        return refuse(loader, why, -ENOEXEC, "ELF data encoding %u; only little-endian objects (1) are loaded",
                      ident[EI_DATA]);
    if (ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
        return refuse(loader, why, -ENOEXEC, "ELF version %u; only version 1 is known",
                      ident[EI_VERSION] != EV_CURRENT ? ident[EI_VERSION] : header->e_version);
    if (!x86_64_machine(header->e_machine))
        return refuse(loader, why, -ENOEXEC, "ELF machine %u; only objects for x86-64 (62) are loaded",
                      header->e_machine);
    if (header->e_type != ET_REL)
        return refuse(loader, why, -ENOEXEC, "ELF type %u; only relocatable objects (1) are loaded: compile with -c",
                      header->e_type);
    return 0;
}

/* Finds the section headers. A count that does not fit the file header stands in the first section header. */
static int find_sections(struct loader *loader, const Elf64_Ehdr *header, struct failure *why)
{
    uint64_t count = header->e_shnum;

    if (header->e_shentsize != sizeof(Elf64_Shdr))
        return refuse(loader, why, -ENOEXEC, "section headers of %u bytes; they must have %zu", header->e_shentsize,
                      sizeof(Elf64_Shdr));
    if (!header->e_shoff || !in_file(loader, header->e_shoff, sizeof(Elf64_Shdr)))
        return refuse(loader, why, -ENOEXEC, "section headers at 0x%llx, but the file ends at 0x%llx",
                      (unsigned long long)header->e_shoff, (unsigned long long)loader->object_bytes);
    loader->headers = loader->object + header->e_shoff;
    if (!count)
        count = section_at(loader, 0)->header.sh_size;
    if (!count || count > (loader->object_bytes - header->e_shoff) / sizeof(Elf64_Shdr) || count >= UINT32_MAX)
        return refuse(
            loader, why, -ENOEXEC, "%llu section headers at 0x%llx do not lie in the file, which ends at 0x%llx",
            (unsigned long long)count, (unsigned long long)header->e_shoff, (unsigned long long)loader->object_bytes);
    loader->sections = (uint32_t)count;
    return 0;
}

/* Checks that section `index` is a string table that ends with a NUL, and gives its bytes; an empty one is fine. */
static int open_strings(const struct loader *loader, uint32_t index, const char *what, const char **strings,
                        uint64_t *bytes, struct failure *why)
{
    const struct file_section *section;

    if (!index || index >= loader->sections)
        return refuse(loader, why, -ENOEXEC, "the %s names are in section %u, but there are %u sections", what, index,
                      loader->sections);
    section = section_at(loader, index);
    if (section->header.sh_type != SHT_STRTAB)
        return refuse(loader, why, -ENOEXEC, "the %s names are in section %u, which is not a string table", what,
                      index);
    if (!in_file(loader, section->header.sh_offset, section->header.sh_size))
        return refuse(loader, why, -ENOEXEC, "the %s names (section %u) reach beyond the end of the file", what, index);
    *strings = (const char *)loader->object + section->header.sh_offset;
    *bytes = section->header.sh_size;
    if (*bytes && (*strings)[*bytes - 1])
        return refuse(loader, why, -ENOEXEC, "the %s names (section %u) do not end with a NUL", what, index);
    return 0;
}

/* Checks every section's name and place in the file, and finds the symbol table. */
static int check_sections(struct loader *loader, struct failure *why)
{
    for (uint32_t i = 0; i < loader->sections; i++) {
        const struct file_section *section = section_at(loader, i);
        uint32_t type = section->header.sh_type;

        if (section->header.sh_name >= loader->section_names_bytes && section->header.sh_name)
            return refuse(loader, why, -ENOEXEC, "the name of section %u is at 0x%x, but the names end at 0x%llx", i,
                          section->header.sh_name, (unsigned long long)loader->section_names_bytes);
        if (type == SHT_NULL || type == SHT_NOBITS)
            continue;
        if (!in_file(loader, section->header.sh_offset, section->header.sh_size))
            return refuse(loader, why, -ENOEXEC,
                          "section %s: 0x%llx bytes at 0x%llx reach beyond the end of the file at 0x%llx",
                          section_name(loader, i), (unsigned long long)section->header.sh_size,
                          (unsigned long long)section->header.sh_offset, (unsigned long long)loader->object_bytes);
        if (type != SHT_SYMTAB)
            continue;
        if (loader->symbol_section)
            return refuse(loader, why, -ENOEXEC, "sections %u and %u are both symbol tables; there may be one",
                          loader->symbol_section, i);
        loader->symbol_section = i;
    }
    return 0;
}

static int open_symbols(struct loader *loader, struct failure *why)
{
    const struct file_section *section = section_at(loader, loader->symbol_section);
    uint64_t count = section->header.sh_size / sizeof(Elf64_Sym);

    if (section->header.sh_entsize != sizeof(Elf64_Sym) || section->header.sh_size % sizeof(Elf64_Sym))
        return refuse(loader, why, -ENOEXEC, "the symbol table has 0x%llx bytes in entries of %llu; an entry has %zu",
                      (unsigned long long)section->header.sh_size, (unsigned long long)section->header.sh_entsize,
                      sizeof(Elf64_Sym));
    if (count >= UINT32_MAX)
        return refuse(loader, why, -E2BIG, "%llu symbols are too many", (unsigned long long)count);
    loader->symbol_table = loader->object + section->header.sh_offset;
    loader->symbols = (uint32_t)count;
    return open_strings(loader, section->header.sh_link, "symbol", &loader->symbol_names, &loader->symbol_names_bytes,
                        why);
}

/* Finds the table of section indices that do not fit a symbol's field. */
static int open_symbol_indices(struct loader *loader, struct failure *why)
{
    for (uint32_t i = 1; i < loader->sections; i++) {
        const struct file_section *section = section_at(loader, i);

        if (section->header.sh_type != SHT_SYMTAB_SHNDX || section->header.sh_link != loader->symbol_section)
            continue;
        if (section->header.sh_size / sizeof(Elf64_Word) < loader->symbols)
            return refuse(loader, why, -ENOEXEC, "section %s has fewer entries than there are symbols",
                          section_name(loader, i));
        loader->symbol_indices = loader->object + section->header.sh_offset;
    }
    return 0;
}

int object_open(struct loader *loader, struct failure *why)
{
    Elf64_Ehdr header;
    uint32_t names;
    int error;

    if (loader->object_bytes < sizeof header)
        return refuse(loader, why, -ENOEXEC, "%llu bytes are too few for an ELF header; is the file cut off?",
                      (unsigned long long)loader->object_bytes);
    memcpy(&header, loader->object, sizeof header);
    error = check_identity(loader, &header, why);
    if (!error)
        error = find_sections(loader, &header, why);
    if (error)
        return error;
    names = header.e_shstrndx == SHN_XINDEX ? section_at(loader, 0)->header.sh_link : header.e_shstrndx;
    error = open_strings(loader, names, "section", &loader->section_names, &loader->section_names_bytes, why);
    if (!error)
        error = check_sections(loader, why);
    if (!error && loader->symbol_section)
        error = open_symbols(loader, why);
    if (!error && loader->symbol_section)
        error = open_symbol_indices(loader, why);
    return error;
}
