/*
 * layout.c - which sections are loaded, and where each goes.
 *
 * One rule decides: what has SHF_ALLOC is loaded (unwind tables and notes too: whoever wants them not, compiles
 * without), what has not, or has SHF_EXCLUDE, is not. Text comes first, then read-only sections with the global
 * offset table, then data, then all NOBITS (also read-only ones, so that they take no bytes in the image) and COMMON.
 * Within a region sections keep the order of the object. Groups (COMDAT) need nothing: one object has one copy of
 * each, and keeps it. Sections that could be merged (SHF_MERGE) are loaded as they are: merging only saves space, and
 * references stay right without.
 */
#include "loader/internal.h"

/* What of a section that is to be loaded cannot be. */
static int check_loadable(const struct loader *loader, uint32_t index, struct failure *why)
{
    const struct file_section *section = section_at(loader, index);
    uint64_t flags = section->header.sh_flags;
    uint32_t type = section->header.sh_type;
    const char *name = section_name(loader, index);

    if ((flags & SHF_WRITE) && (flags & SHF_EXECINSTR))
        return refuse(loader, why, -ENOEXEC, "section %s is both writable and executable; nothing may be both", name);
    if (flags & SHF_COMPRESSED)
        return refuse(loader, why, -ENOEXEC, "section %s is compressed; only debug sections may be", name);
    if (type == SHT_NOBITS && (flags & SHF_EXECINSTR) && section->header.sh_size)
        return refuse(loader, why, -ENOEXEC,
                      "section %s is executable but has no contents; was the object stripped of them?", name);
    if (type != SHT_PROGBITS && type != SHT_NOBITS && type != SHT_NOTE && type != SHT_INIT_ARRAY &&
        type != SHT_FINI_ARRAY && !x86_64_section_type(type))
        return refuse(loader, why, -ENOEXEC,
                      "section %s is of type 0x%x, which is not known for a section that is loaded", name, type);
    return 0;
}

static int classify(struct loader *loader, uint32_t index, struct failure *why)
{
    struct loader_section_state *state = &loader->section_states[index];
    const struct file_section *section = section_at(loader, index);
    uint64_t flags = section->header.sh_flags, alignment = section->header.sh_addralign;
    bool is_array = false;
    int error;

    *state = (struct loader_section_state){.offset = LOADER_NOWHERE, .class = SECTION_NOT_LOADED};
    if (!(flags & SHF_ALLOC) || (flags & SHF_EXCLUDE) || section->header.sh_type == SHT_NULL)
        return 0;
    if (flags & SHF_TLS) { /* refused later: a relocation into it says more */
        loader->thread_local_section = loader->thread_local_section ?: index;
        return 0;
    }
    if (alignment & (alignment - 1))
        return refuse(loader, why, -ENOEXEC, "section %s asks for an alignment of 0x%llx, which is no power of two",
                      section_name(loader, index), (unsigned long long)alignment);
    if (alignment > LOADER_ALIGNMENT_MAX)
        return refuse(loader, why, -E2BIG, "section %s asks for an alignment of 0x%llx; at most 0x%llx can be had",
                      section_name(loader, index), (unsigned long long)alignment, LOADER_ALIGNMENT_MAX);
    state->alignment = alignment ? (uint8_t)__builtin_ctzll(alignment) : 0;
    error = check_loadable(loader, index, why);
    if (!error)
        error = arrays_classify(loader, index, &is_array, why);
    if (error || is_array)
        return error;
    if (section->header.sh_type == SHT_NOBITS)
        state->class = SECTION_NOBITS;
    else if (flags & SHF_EXECINSTR)
        state->class = SECTION_TEXT;
    else
        state->class = flags & SHF_WRITE ? SECTION_DATA : SECTION_RODATA;
    return 0;
}

int layout_classify(struct loader *loader, struct failure *why)
{
    loader->section_states = loader_allocate(loader, loader->sections, sizeof *loader->section_states);
    if (!loader->section_states)
        return refuse(loader, why, -ENOMEM, "no memory for the states of %u sections", loader->sections);
    loader->section_states[0] = (struct loader_section_state){.offset = LOADER_NOWHERE, .class = SECTION_NOT_LOADED};
    for (uint32_t i = 1; i < loader->sections; i++) {
        int error = classify(loader, i, why);

        if (error)
            return error;
    }
    return 0;
}

/* As take_bytes(); the image's alignment becomes the largest. */
/*@
  requires \valid(loader) && \valid(end) && \valid(offset) && \separated(end, offset, &loader->alignment);
  requires is_power_of_two(alignment) && *end <= 2 * LOADER_BYTES_MAX;
  assigns *end, *offset, loader->alignment;
  ensures \result == true ==> is_aligned_up(*offset, \old(*end), alignment) && *end == *offset + bytes;
  ensures \result == true ==> *end <= LOADER_BYTES_MAX;
  ensures \result == true ==> loader->alignment == \max(\old(loader->alignment), alignment);
*/
static bool take(struct loader *loader, uint64_t *end, uint64_t bytes, uint64_t alignment, uint64_t *offset)
{
    if (!take_bytes(end, bytes, alignment, offset))
        return false;
    if (alignment > loader->alignment)
        loader->alignment = alignment;
    return true;
}

static bool take_section(struct loader *loader, uint32_t index, uint64_t *end)
{
    struct loader_section_state *state = &loader->section_states[index];

    return take(loader, end, section_at(loader, index)->header.sh_size, 1ull << state->alignment, &state->offset);
}

static bool take_class(struct loader *loader, enum section_class class, uint64_t *end)
{
    const struct loader_section_state *states = loader->section_states;
    uint32_t sections = loader->sections;

    for (uint32_t i = 1; i < sections; i++) {
        if (states[i].class == class && !take_section(loader, i, end))
            return false;
    }
    return true;
}

/* Where a region begins: on a page, or where its most aligned section may begin. */
/*@
  requires \valid_read(loader) && \valid_read(loader->section_states + (0 .. loader->sections - 1));
  requires \forall integer i; 0 <= i < loader->sections ==> loader->section_states[i].alignment <= 27;
  requires end <= LOADER_BYTES_MAX;
  assigns \nothing;
  ensures end <= \result <= 2 * LOADER_BYTES_MAX;
  ensures is_multiple(\result, LOADER_PAGE);
  ensures \forall integer i; 1 <= i < loader->sections && first <= loader->section_states[i].class <= last ==>
      is_multiple(\result, 1 << loader->section_states[i].alignment);
*/
static uint64_t region_start(const struct loader *loader, enum section_class first, enum section_class last,
                             uint64_t end)
{
    unsigned alignment = LOADER_PAGE_SHIFT;

    /*@
      loop invariant 1 <= i && LOADER_PAGE_SHIFT <= alignment <= 27;
      loop invariant \forall integer j; 1 <= j < i && first <= loader->section_states[j].class <= last ==>
          loader->section_states[j].alignment <= alignment;
      loop assigns i, alignment;
      loop variant UINT32_MAX - i;
    */
    for (uint32_t i = 1; i < loader->sections; i++) {
        const struct loader_section_state *state = &loader->section_states[i];

        if (state->class >= first && state->class <= last && state->alignment > alignment)
            alignment = state->alignment;
    }
    return align_up(end, 1ull << alignment);
}

/*@
  requires \valid(region) && offset <= file_end <= end <= LOADER_BYTES_MAX;
  assigns region->offset, region->file_bytes, region->bytes;
  ensures region->offset == offset && offset + region->file_bytes == file_end;
  ensures is_aligned_up(offset + region->bytes, end, LOADER_PAGE) && region->file_bytes <= region->bytes;
*/
static void end_region(struct loader_region *region, uint64_t offset, uint64_t file_end, uint64_t end)
{
    region->offset = offset;
    region->file_bytes = file_end - offset;
    region->bytes = align_up(end, LOADER_PAGE) - offset;
}

static bool assign_data(struct loader *loader, uint64_t *end)
{
    struct loader_region *region = &loader->regions[LOADER_DATA];
    uint64_t start = region_start(loader, SECTION_DATA, SECTION_NOBITS, *end), file_end;

    if (loader->common_alignment > LOADER_PAGE)
        start = align_up(start, loader->common_alignment);
    *end = start;
    if (!take_class(loader, SECTION_DATA, end))
        return false;
    for (uint32_t i = 0; i < loader->arrays; i++) {
        if (!take_section(loader, loader->array_order[i], end))
            return false;
    }
    file_end = *end;
    if (!take_class(loader, SECTION_NOBITS, end) ||
        !take(loader, end, loader->common_bytes, loader->common_alignment, &loader->common_offset))
        return false;
    end_region(region, start, file_end, *end);
    *end = align_up(*end, LOADER_PAGE);
    return true;
}

/* Says which section takes most, be it for its alignment. */
static int refuse_large(const struct loader *loader, struct failure *why)
{
    uint64_t most = 0;
    uint32_t largest = 0;

    for (uint32_t i = 1; i < loader->sections; i++) {
        const struct loader_section_state *state = &loader->section_states[i];
        uint64_t room = section_at(loader, i)->header.sh_size | 1ull << state->alignment;

        if (state->class == SECTION_NOT_LOADED || room <= most)
            continue;
        most = room;
        largest = i;
    }
    if (!largest)
        return refuse(loader, why, -E2BIG, "its image would take more than %llu MiB", LOADER_BYTES_MAX >> 20);
    return refuse(loader, why, -E2BIG,
                  "its image would take more than %llu MiB; section %s takes most, 0x%llx bytes aligned to 0x%llx",
                  LOADER_BYTES_MAX >> 20, section_name(loader, largest),
                  (unsigned long long)section_at(loader, largest)->header.sh_size,
                  1ull << loader->section_states[largest].alignment);
}

int layout_assign(struct loader *loader, uint32_t got_entries, uint32_t stubs, struct failure *why)
{
    uint64_t end = 0, start;

    loader->alignment = LOADER_PAGE;
    if (!take_class(loader, SECTION_TEXT, &end) ||
        !take(loader, &end, (uint64_t)stubs * LOADER_STUB, LOADER_STUB, &loader->stubs_offset))
        goto too_large;
    end_region(&loader->regions[LOADER_TEXT], 0, end, end);
    start = end = region_start(loader, SECTION_RODATA, SECTION_RODATA, end);
    if (!take_class(loader, SECTION_RODATA, &end) ||
        !take(loader, &end, (uint64_t)got_entries * LOADER_POINTER, LOADER_POINTER, &loader->got_offset))
        goto too_large;
    end_region(&loader->regions[LOADER_RODATA], start, end, end);
    if (!assign_data(loader, &end))
        goto too_large;
    loader->bytes = 0;
    loader->image_bytes = 0;
    for (unsigned i = 0; i < LOADER_REGIONS; i++) {
        const struct loader_region *region = &loader->regions[i];

        if (region->bytes)
            loader->bytes = region->offset + region->bytes;
        if (region->file_bytes)
            loader->image_bytes = region->offset + region->file_bytes;
    }
    if (loader->bytes <= LOADER_BYTES_MAX)
        return 0;
too_large:
    return refuse_large(loader, why);
}
