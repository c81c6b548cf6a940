/*
 * loader.c - the phases of a load, and the walks over what came of it.
 *
 * Entry points: loader_plan(), loader_place(), loader_link(), loader_close(), loader_next_section(),
 * loader_next_symbol().
 */
#include "loader/internal.h"

/* In which order what depends on what. The scan of relocations resolves symbols, so all of them are known by then. */
static int plan(struct loader *loader, struct failure *why)
{
    int error = object_open(loader, why);

    if (!error)
        error = layout_classify(loader, why);
    if (!error)
        error = arrays_order(loader, why);
    if (!error)
        error = symbols_check(loader, why);
    if (!error)
        error = relocations_scan(loader, why);
    if (!error)
        error = symbols_refuse_unsupported(loader, why);
    if (!error)
        error = symbols_report_missing(loader, why);
    return error;
}

int loader_plan(struct loader *loader, const struct loader_environment *environment, const void *object, size_t bytes,
                struct failure *why)
{
    uint64_t entries;
    int error;

    memset(loader, 0, sizeof *loader);
    loader->environment = environment;
    loader->object = object;
    loader->object_bytes = bytes;
    error = plan(loader, why);
    if (error)
        return error;
    entries = (uint64_t)loader->got_entries + loader->called; /* at most: a stub for each function that is called */
    if (entries > LOADER_BYTES_MAX / LOADER_POINTER)
        return refuse(loader, why, -E2BIG, "its global offset table would have %llu entries",
                      (unsigned long long)entries);
    error = layout_assign(loader, (uint32_t)entries, loader->called, why);
    if (!error)
        loader->bytes_most = loader->bytes;
    return error;
}

int loader_place(struct loader *loader, uint64_t base, struct failure *why)
{
    int error;

    if (base & (loader->alignment - 1))
        return refuse(loader, why, -EINVAL, "the base address 0x%llx is no multiple of its alignment, 0x%llx",
                      (unsigned long long)base, (unsigned long long)loader->alignment);
    if (base > UINT64_MAX - loader->bytes_most)
        return refuse(loader, why, -EINVAL, "0x%llx bytes at 0x%llx reach beyond the end of the address space",
                      (unsigned long long)loader->bytes_most, (unsigned long long)base);
    loader->base = base;
    symbols_choose_stubs(loader);
    error = layout_assign(loader, loader->got_entries, loader->stubs, why);
    if (error)
        return error;
    for (unsigned i = 0; i < LOADER_REGIONS; i++)
        loader->regions[i].address = base + loader->regions[i].offset;
    symbols_place(loader);
    return 0;
}

int loader_link(struct loader *loader, void *image, struct failure *why)
{
    int error;

    loader->image = image;
    image_copy_sections(loader);
    error = image_write_table(loader, why);
    if (!error)
        error = relocations_apply(loader, why);
    if (!error)
        error = arrays_check(loader, why);
    if (!error)
        error = declaration_read(loader, why);
    return error;
}

void loader_close(struct loader *loader)
{
    loader_free(loader, loader->array_order, loader->arrays, sizeof *loader->array_order);
    loader_free(loader, loader->symbol_states, loader->symbols ?: 1, sizeof *loader->symbol_states);
    loader_free(loader, loader->section_states, loader->sections, sizeof *loader->section_states);
    loader->array_order = NULL;
    loader->symbol_states = NULL;
    loader->section_states = NULL;
}

static enum loader_region_kind region_of(unsigned class)
{
    if (class == SECTION_TEXT)
        return LOADER_TEXT;
    return class == SECTION_RODATA ? LOADER_RODATA : LOADER_DATA;
}

/* The sections that the loader makes follow those of the object in a walk. */
static bool made_section(const struct loader *loader, uint32_t number, struct loader_section *section)
{
    const struct loader_section made[] = {
        {.name = ".plt",
         .region = LOADER_TEXT,
         .offset = loader->stubs_offset,
         .alignment = LOADER_STUB,
         .bytes = (uint64_t)loader->stubs * LOADER_STUB},
        {.name = ".got",
         .region = LOADER_RODATA,
         .offset = loader->got_offset,
         .alignment = LOADER_POINTER,
         .bytes = (uint64_t)loader->got_entries * LOADER_POINTER},
        {.name = "COMMON",
         .region = LOADER_DATA,
         .offset = loader->common_offset,
         .nobits = true,
         .alignment = loader->common_alignment,
         .bytes = loader->common_bytes},
    };

    *section = made[number];
    section->address = loader->base + section->offset;
    return section->bytes || (section->region == LOADER_RODATA && loader->uses_got);
}

bool loader_next_section(const struct loader *loader, uint32_t *cursor, struct loader_section *section)
{
    for (; *cursor < loader->sections; (*cursor)++) {
        const struct loader_section_state *state = &loader->section_states[*cursor];

        if (state->class == SECTION_NOT_LOADED)
            continue;
        *section = (struct loader_section){
            .name = section_name(loader, *cursor),
            .index = *cursor,
            .region = region_of(state->class),
            .address = loader->base + state->offset,
            .offset = state->offset,
            .bytes = section_at(loader, *cursor)->header.sh_size,
            .alignment = 1ull << state->alignment,
            .nobits = state->class == SECTION_NOBITS,
        };
        (*cursor)++;
        return true;
    }
    while (*cursor - loader->sections < 3) {
        if (made_section(loader, (*cursor)++ - loader->sections, section))
            return true;
    }
    return false;
}

bool loader_next_symbol(const struct loader *loader, uint32_t *cursor, struct loader_symbol *symbol)
{
    for (; *cursor < loader->symbols; (*cursor)++) {
        const struct loader_symbol_state *state = &loader->symbol_states[*cursor];
        const struct file_symbol *entry = symbol_at(loader, *cursor);
        unsigned type = ELF64_ST_TYPE(entry->symbol.st_info);

        if (!*cursor || state->kind > SYMBOL_COMMON || type == STT_SECTION || type == STT_FILE ||
            !entry->symbol.st_name)
            continue;
        *symbol = (struct loader_symbol){
            .name = symbol_name(loader, *cursor),
            .address = state->value,
            .bytes = entry->symbol.st_size,
            .kind = type == STT_FUNC     ? LOADER_FUNCTION
                    : type == STT_NOTYPE ? LOADER_OTHER
                                         : LOADER_OBJECT,
            .global = ELF64_ST_BIND(entry->symbol.st_info) != STB_LOCAL,
        };
        if (state->kind == SYMBOL_IN_SECTION) {
            uint64_t end = loader->base + loader->section_states[state->section].offset +
                           section_at(loader, state->section)->header.sh_size;

            if (symbol->bytes > end - symbol->address)
                symbol->bytes = end - symbol->address;
        }
        (*cursor)++;
        return true;
    }
    return false;
}
