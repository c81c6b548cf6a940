/*
 * symbols.c - the object's symbols: checked, resolved when a relocation first uses them, given their final values.
 *
 * A symbol that the object defines is never looked up elsewhere. One that it does not define is asked for only if
 * something that is loaded refers to it, as linkers do.
 */
#include "loader/internal.h"
#include <moult/text.h>

#define GOT_NAME "_GLOBAL_OFFSET_TABLE_"
#define LIST_TAIL 96 /* room in a sentence for what follows a list of symbols */

/* Gives a common symbol its place in the block of them: `value` becomes the offset from its start. */
static int check_common(struct loader *loader, uint32_t index, struct failure *why)
{
    const struct file_symbol *symbol = symbol_at(loader, index);
    struct loader_symbol_state *state = &loader->symbol_states[index];
    uint64_t alignment = symbol->symbol.st_value ?: 1, bytes = symbol->symbol.st_size;

    if (alignment & (alignment - 1))
        return refuse(loader, why, -ENOEXEC,
                      "common symbol '%s' asks for an alignment of 0x%llx, which is no power of two",
                      symbol_name(loader, index), (unsigned long long)alignment);
    if (alignment > LOADER_ALIGNMENT_MAX)
        return refuse(loader, why, -E2BIG,
                      "common symbol '%s' asks for an alignment of 0x%llx; at most 0x%llx can be had",
                      symbol_name(loader, index), (unsigned long long)alignment, LOADER_ALIGNMENT_MAX);
    if (strcmp(symbol_name(loader, index), "__gnu_lto_slim") == 0)
        return refuse(loader, why, -ENOEXEC,
                      "it holds no code but what the compiler made for link-time optimisation; compile it without "
                      "-flto, or with -ffat-lto-objects");
    if (!take_bytes(&loader->common_bytes, bytes, alignment, &state->value))
        return refuse(loader, why, -E2BIG, "common symbol '%s' takes 0x%llx bytes; an image may have %llu MiB",
                      symbol_name(loader, index), (unsigned long long)bytes, LOADER_BYTES_MAX >> 20);
    state->kind = SYMBOL_COMMON;
    if (alignment > loader->common_alignment)
        loader->common_alignment = alignment;
    return 0;
}

/* Checks a symbol that is defined in section `section`. */
static int check_in_section(struct loader *loader, uint32_t index, uint32_t section, struct failure *why)
{
    struct loader_symbol_state *state = &loader->symbol_states[index];

    if (section >= loader->sections)
        return refuse(loader, why, -ENOEXEC, "symbol %u is in section %u, but there are %u sections", index, section,
                      loader->sections);
    state->section = section;
    if (loader->section_states[section].class == SECTION_NOT_LOADED) {
        state->kind = SYMBOL_NOT_LOADED;
        return 0;
    }
    state->kind = SYMBOL_IN_SECTION;
    if (state->value > section_at(loader, section)->header.sh_size)
        return refuse(loader, why, -ENOEXEC, "symbol '%s' is at %s+0x%llx, beyond the end of that section",
                      symbol_name(loader, index), section_name(loader, section), (unsigned long long)state->value);
    return 0;
}

/* Finds what symbol `index` is defined by: a section, or one of the reserved indices. */
static int check_definition(struct loader *loader, uint32_t index, struct failure *why)
{
    uint32_t section = symbol_at(loader, index)->symbol.st_shndx;
    struct loader_symbol_state *state = &loader->symbol_states[index];

    if (section == SHN_XINDEX) {
        if (!loader->symbol_indices)
            return refuse(loader, why, -ENOEXEC,
                          "symbol %u has an extended section index, but there is no table of them", index);
        __builtin_memcpy(&section, loader->symbol_indices + (size_t)index * sizeof section, sizeof section);
        return check_in_section(loader, index, section, why);
    }
    if (section == SHN_UNDEF) {
        state->kind = SYMBOL_UNKNOWN;
        return 0;
    }
    if (section < SHN_LORESERVE)
        return check_in_section(loader, index, section, why);
    if (section == SHN_ABS) {
        state->kind = SYMBOL_ABSOLUTE;
        return 0;
    }
    if (section == SHN_COMMON || x86_64_common_index(section))
        return check_common(loader, index, why);
    return refuse(loader, why, -ENOEXEC, "symbol '%s' has the reserved section index 0x%x, which is not known",
                  symbol_name(loader, index), section);
}

/* Are symbols of this type those of a kernel module? */
static bool is_supported(unsigned type)
{
    return type <= STT_COMMON;
}

static int check_symbol(struct loader *loader, uint32_t index, struct failure *why)
{
    const struct file_symbol *symbol = symbol_at(loader, index);
    struct loader_symbol_state *state = &loader->symbol_states[index];
    int error;

    *state = (struct loader_symbol_state){.value = symbol->symbol.st_value, .got = LOADER_NONE, .stub = LOADER_NONE};
    if (symbol->symbol.st_name && symbol->symbol.st_name >= loader->symbol_names_bytes)
        return refuse(loader, why, -ENOEXEC, "the name of symbol %u is at 0x%x, but the names end at 0x%llx", index,
                      symbol->symbol.st_name, (unsigned long long)loader->symbol_names_bytes);
    error = check_definition(loader, index, why);
    if (!is_supported(ELF64_ST_TYPE(symbol->symbol.st_info))) {
        state->kind = SYMBOL_UNSUPPORTED;
        loader->unsupported_symbol = loader->unsupported_symbol ?: index;
    }
    return error;
}

int symbols_check(struct loader *loader, struct failure *why)
{
    uint32_t count = loader->symbols ?: 1; /* there is always the null symbol, which relocations use for 0 */

    loader->symbol_states = loader_allocate(loader, count, sizeof *loader->symbol_states);
    if (!loader->symbol_states)
        return refuse(loader, why, -ENOMEM, "no memory for the states of %u symbols", count);
    loader->symbol_states[0] = (struct loader_symbol_state){
        .kind = SYMBOL_ABSOLUTE, .got = LOADER_NONE, .stub = LOADER_NONE};
    loader->common_alignment = 1;
    for (uint32_t i = 1; i < loader->symbols; i++) {
        int error = check_symbol(loader, i, why);

        if (error)
            return error;
    }
    return 0;
}

int symbols_refuse(const struct loader *loader, uint32_t index, struct failure *why)
{
    unsigned type = ELF64_ST_TYPE(symbol_at(loader, index)->symbol.st_info);
    const char *name = symbol_name(loader, index);

    if (type == STT_TLS)
        return refuse(loader, why, -ELINK,
                      "symbol '%s' is thread-local (TLS), which is not supported in a kernel module", name);
    if (type == STT_GNU_IFUNC)
        return refuse(loader, why, -ELINK, "symbol '%s' is an indirect function (IFUNC), which is not supported", name);
    return refuse(loader, why, -ELINK, "symbol '%s' is of type %u, which is not known", name, type);
}

int symbols_refuse_unsupported(struct loader *loader, struct failure *why)
{
    if (loader->unsupported_symbol)
        return symbols_refuse(loader, loader->unsupported_symbol, why);
    if (loader->thread_local_section)
        return refuse(loader, why, -ELINK,
                      "section %s holds thread-local storage (TLS), which is not supported in a kernel module",
                      section_name(loader, loader->thread_local_section));
    return 0;
}

void symbols_resolve(struct loader *loader, uint32_t index)
{
    const struct loader_environment *environment = loader->environment;
    struct loader_symbol_state *state = &loader->symbol_states[index];
    const char *name = symbol_name(loader, index);

    state->value = 0;
    if (strcmp(name, GOT_NAME) == 0) {
        state->kind = SYMBOL_GOT_BASE;
        loader->uses_got = true;
        return;
    }
    state->kind = SYMBOL_FOUND;
    if (*name && environment->resolve(environment->context, name, &state->value))
        return;
    state->value = 0;
    if (ELF64_ST_BIND(symbol_at(loader, index)->symbol.st_info) == STB_WEAK)
        return;
    state->kind = SYMBOL_MISSING;
    loader->undefined++;
}

bool loader_next_undefined(const struct loader *loader, uint32_t *cursor, const char **name)
{
    if (!loader->undefined || !loader->symbol_states)
        return false;
    for (; *cursor < loader->symbols; (*cursor)++) {
        if (loader->symbol_states[*cursor].kind == SYMBOL_MISSING) {
            *name = symbol_name(loader, (*cursor)++);
            return true;
        }
    }
    return false;
}

/* Writes "'name' at .section+0x12" into `text`; returns its length, of which `capacity` may have cut off some. */
static size_t describe_missing(const struct loader *loader, uint32_t index, char *text, size_t capacity)
{
    uint64_t offset = 0;
    uint32_t section = 0;

    relocations_find(loader, index, &section, &offset);
    return text_format(text, capacity, "'%.200s' at %.64s+0x%llx", symbol_name(loader, index),
                       section_name(loader, section), (unsigned long long)offset);
}

int symbols_report_missing(struct loader *loader, struct failure *why)
{
    uint32_t listed = 0;
    char *text;
    size_t length;

    if (!loader->undefined || !why)
        return loader->undefined ? -ELINK : 0;
    why->code = -ELINK;
    text = why->sentence;
    length = text_format(text, sizeof why->sentence, "undefined symbol%s ", loader->undefined > 1 ? "s" : "");
    for (uint32_t i = 1; i < loader->symbols; i++) {
        size_t room = sizeof why->sentence - LIST_TAIL - length, separator = listed ? 2 : 0, more;

        if (loader->symbol_states[i].kind != SYMBOL_MISSING)
            continue;
        more = describe_missing(loader, i, text + length + separator, room - separator);
        if (more + separator >= room)
            break;
        if (separator)
            __builtin_memcpy(text + length, ", ", 2);
        length += separator + more;
        listed++;
    }
    if (listed < loader->undefined)
        length += text_format(text + length, sizeof why->sentence - length, " and %u more", loader->undefined - listed);
    text_format(text + length, sizeof why->sentence - length, ", needed by %.64s", loader->environment->name);
    text_make_printable(text);
    return -ELINK;
}

/* Is `address` in reach of a 32-bit distance from everywhere in the image? */
static bool in_reach(const struct loader *loader, uint64_t address)
{
    uint64_t furthest = address - loader->base + LOADER_PAGE; /* the page is for addends */
    uint64_t nearest = address - loader->base - loader->bytes_most - LOADER_PAGE;

    return value_fits(RANGE_SIGNED, furthest, 4) && value_fits(RANGE_SIGNED, nearest, 4);
}

void symbols_choose_stubs(struct loader *loader)
{
    if (!loader->called)
        return;
    for (uint32_t i = 1; i < loader->symbols; i++) {
        struct loader_symbol_state *state = &loader->symbol_states[i];

        if (!state->called || in_reach(loader, state->value))
            continue;
        state->stub = loader->stubs++;
        if (state->got == LOADER_NONE)
            state->got = loader->got_entries++;
    }
}

void symbols_place(struct loader *loader)
{
    for (uint32_t i = 1; i < loader->symbols; i++) {
        struct loader_symbol_state *state = &loader->symbol_states[i];

        if (state->kind == SYMBOL_IN_SECTION)
            state->value += loader->base + loader->section_states[state->section].offset;
        else if (state->kind == SYMBOL_COMMON)
            state->value += loader->base + loader->common_offset;
        else if (state->kind == SYMBOL_GOT_BASE)
            state->value = loader->base + loader->got_offset;
    }
}
