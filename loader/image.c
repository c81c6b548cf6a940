/*
 * image.c - what of an image is there before its relocations: sections as the object has them, the global offset
 * table, stubs.
 *
 * Entry points: image_copy_sections() and image_write_table(), of loader_link(). They write to loader->image alone.
 */
#include "loader/internal.h"

void image_copy_sections(const struct loader *loader)
{
    for (uint32_t i = 1; i < loader->sections; i++) {
        const struct loader_section_state *state = &loader->section_states[i];
        const struct file_section *section = section_at(loader, i);

        if (state->class == SECTION_NOT_LOADED || state->class == SECTION_NOBITS || !section->header.sh_size)
            continue;
        memcpy(loader->image + state->offset, loader->object + section->header.sh_offset, section->header.sh_size);
    }
}

/* Fills the global offset table and the stubs that jump through it. */
int image_write_table(const struct loader *loader, struct failure *why)
{
    for (uint32_t i = 0; loader->got_entries && i < (loader->symbols ?: 1); i++) {
        const struct loader_symbol_state *state = &loader->symbol_states[i];
        uint64_t entry = loader->got_offset + (uint64_t)state->got * LOADER_POINTER;
        uint64_t stub = loader->stubs_offset + (uint64_t)state->stub * LOADER_STUB;

        if (state->got == LOADER_NONE)
            continue;
        __builtin_memcpy(loader->image + entry, &state->value, sizeof state->value);
        if (state->stub != LOADER_NONE &&
            !x86_64_write_stub(loader->image + stub, loader->base + stub, loader->base + entry))
            return refuse(loader, why, -ELINK, "the stub for '%s' cannot reach the global offset table",
                          symbol_name(loader, i));
    }
    return 0;
}
