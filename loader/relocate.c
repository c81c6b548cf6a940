/*
 * relocate.c - relocations: checked in a first walk, applied in a second.
 *
 * relocations_scan() checks everything that does not depend on addresses, so that relocations_apply() has only the
 * range of each value left to check. Both run once for each relocation and are kept short.
 */
#include "loader/internal.h"

#define SHT_COMPACT_RELOCATIONS 0x40000014u /* SHT_CREL, which is newer than <elf.h> */

/* One table of relocations and the section that it is for. */
struct relocation_table {
    const uint8_t *entries;
    uint64_t count;
    uint32_t target;         /* index of the section */
    uint64_t target_bytes;   /* its size */
    const uint8_t *contents; /* its bytes in the object; NULL for NOBITS */
    bool executable;         /* it is text */
};

static inline const struct file_relocation *entry_at(const struct relocation_table *table, uint64_t index)
{
    return (const struct file_relocation *)(table->entries + index * sizeof(Elf64_Rela));
}

/* Refuses one relocation: says what it is, where, and against which symbol. */
static int refuse_relocation(const struct loader *loader, const struct relocation_table *table,
                             const struct file_relocation *entry, struct failure *why, int code, const char *reason)
{
    uint32_t type = (uint32_t)ELF64_R_TYPE(entry->relocation.r_info);
    uint32_t symbol = (uint32_t)ELF64_R_SYM(entry->relocation.r_info);
    const char *section = section_name(loader, table->target), *name = loader_relocation_name(type);
    unsigned long long offset = entry->relocation.r_offset;

    if (!name)
        return refuse(loader, why, code, "relocation of the unknown type %u at %.64s+0x%llx", type, section, offset);
    if (!symbol || symbol >= loader->symbols)
        return refuse(loader, why, code, "relocation %s at %.64s+0x%llx: %s", name, section, offset, reason);
    return refuse(loader, why, code, "relocation %s at %.64s+0x%llx against '%.200s': %s", name, section, offset,
                  symbol_name(loader, symbol), reason);
}

/* Is section `index` a table of relocations for a section that is loaded? Then checks it and describes it. */
static int open_table(const struct loader *loader, uint32_t index, struct relocation_table *table, struct failure *why)
{
    const struct file_section *section = section_at(loader, index), *target;
    uint32_t type = section->header.sh_type, info = section->header.sh_info;
    const char *name;

    table->count = 0;
    if (type != SHT_RELA && type != SHT_REL && type != SHT_COMPACT_RELOCATIONS)
        return 0;
    name = section_name(loader, index);
    if (info >= loader->sections)
        return refuse(loader, why, -ENOEXEC, "section %s relocates section %u, but there are %u sections", name, info,
                      loader->sections);
    if (loader->section_states[info].class == SECTION_NOT_LOADED)
        return 0;
    if (type != SHT_RELA)
        return refuse(loader, why, -ENOEXEC,
                      "section %s holds relocations in a form (section type 0x%x) that is not known here", name, type);
    if (section->header.sh_entsize != sizeof(Elf64_Rela) || section->header.sh_size % sizeof(Elf64_Rela))
        return refuse(loader, why, -ENOEXEC, "section %s has 0x%llx bytes in entries of %llu; a relocation has %zu",
                      name, (unsigned long long)section->header.sh_size, (unsigned long long)section->header.sh_entsize,
                      sizeof(Elf64_Rela));
    if (section->header.sh_link != loader->symbol_section)
        return refuse(loader, why, -ENOEXEC, "section %s refers to section %u for its symbols; the symbol table is %u",
                      name, section->header.sh_link, loader->symbol_section);
    target = section_at(loader, info);
    table->entries = loader->object + section->header.sh_offset;
    table->count = section->header.sh_size / sizeof(Elf64_Rela);
    table->target = info;
    table->target_bytes = target->header.sh_type == SHT_NOBITS ? 0 : target->header.sh_size;
    table->contents = target->header.sh_type == SHT_NOBITS ? NULL : loader->object + target->header.sh_offset;
    table->executable = loader->section_states[info].class == SECTION_TEXT;
    return 0;
}

/* Makes sure that the symbol of a relocation can be used at all; an undefined one is looked up. */
static int scan_symbol(struct loader *loader, const struct relocation_table *table, const struct file_relocation *entry,
                       struct failure *why)
{
    uint32_t index = (uint32_t)ELF64_R_SYM(entry->relocation.r_info);

    switch (loader->symbol_states[index].kind) {
    case SYMBOL_UNKNOWN:
        symbols_resolve(loader, index);
        return 0;
    case SYMBOL_NOT_LOADED:
        if (loader->thread_local_section)
            return symbols_refuse_unsupported(loader, why);
        return refuse_relocation(loader, table, entry, why, -ELINK, "the symbol is in a section that is not loaded");
    case SYMBOL_UNSUPPORTED:
        return symbols_refuse(loader, index, why);
    default:
        return 0;
    }
}

/* Reserves what a relocation needs beside its symbol: an entry in the global offset table, maybe a stub. */
static void reserve(struct loader *loader, const struct relocation_type *type, struct loader_symbol_state *state,
                    bool is_call)
{
    if (type->first == FIRST_GOT_ENTRY || type->first == FIRST_GOT_OFFSET) {
        if (state->got == LOADER_NONE)
            state->got = loader->got_entries++;
    }
    if (type->first == FIRST_GOT || type->second == SECOND_GOT)
        loader->uses_got = true;
    if (is_call && state->kind == SYMBOL_FOUND && !state->called) {
        state->called = true;
        loader->called++;
    }
}

static int scan_entry(struct loader *loader, const struct relocation_table *table, const struct file_relocation *entry,
                      struct failure *why)
{
    uint32_t number = (uint32_t)ELF64_R_TYPE(entry->relocation.r_info);
    uint32_t symbol = (uint32_t)ELF64_R_SYM(entry->relocation.r_info);
    uint64_t offset = entry->relocation.r_offset;
    const struct relocation_type *type = &x86_64_relocations[number < LOADER_RELOCATION_TYPES ? number : 0];
    struct loader_symbol_state *state;
    bool is_call;
    int error;

    if (number >= LOADER_RELOCATION_TYPES || !type->name || type->refused)
        return refuse_relocation(loader, table, entry, why, -ELINK, type->refused);
    if (!field_lies_within(offset, type->width, table->target_bytes))
        return refuse_relocation(loader, table, entry, why, -ENOEXEC,
                                 "it lies beyond the end of what the section holds");
    if (symbol && symbol >= loader->symbols)
        return refuse_relocation(loader, table, entry, why, -ENOEXEC, "there is no symbol of the number that it gives");
    loader->relocations[number]++;
    state = &loader->symbol_states[symbol];
    if (type->first == FIRST_NOTHING || (type->first <= FIRST_CALL && state->kind <= SYMBOL_COMMON))
        goto done;
    if (state->kind > SYMBOL_FOUND && type->first != FIRST_GOT) {
        error = scan_symbol(loader, table, entry, why);
        if (error)
            return error;
    }
    if (type->first == FIRST_SIZE && state->kind > SYMBOL_COMMON && state->kind != SYMBOL_MISSING)
        return refuse_relocation(loader, table, entry, why, -ELINK, "the size of a symbol from outside is not known");
    is_call = table->executable && type->range == RANGE_SIGNED && type->second == SECOND_PLACE &&
              x86_64_is_call(number, table->contents, offset, entry->relocation.r_addend);
    reserve(loader, type, state, is_call);
done:
    if (type->second == SECOND_GOT)
        loader->uses_got = true;
    return 0;
}

int relocations_scan(struct loader *loader, struct failure *why)
{
    struct relocation_table table;

    for (uint32_t i = 1; i < loader->sections; i++) {
        int error = open_table(loader, i, &table, why);

        for (uint64_t n = 0; !error && n < table.count; n++)
            error = scan_entry(loader, &table, entry_at(&table, n), why);
        if (error)
            return error;
    }
    return 0;
}

bool relocations_find(const struct loader *loader, uint32_t symbol, uint32_t *section, uint64_t *offset)
{
    struct relocation_table table;

    for (uint32_t i = 1; i < loader->sections; i++) {
        if (open_table(loader, i, &table, NULL))
            return false;
        for (uint64_t n = 0; n < table.count; n++) {
            const struct file_relocation *entry = entry_at(&table, n);

            if (ELF64_R_SYM(entry->relocation.r_info) != symbol || !ELF64_R_TYPE(entry->relocation.r_info))
                continue;
            *section = table.target;
            *offset = entry->relocation.r_offset;
            return true;
        }
    }
    return false;
}

/*@
  // The terms of x86_64.c, modulo 2^64.
  logic integer got_base(struct loader *loader) = (uint64_t)(loader->base + loader->got_offset);
  logic integer first_term(struct loader *loader, integer first, integer symbol) =
      first == FIRST_SYMBOL || first == FIRST_CALL ? loader->symbol_states[symbol].value :
      first == FIRST_GOT_ENTRY ? got_base(loader) + loader->symbol_states[symbol].got * LOADER_POINTER :
      first == FIRST_GOT_OFFSET ? loader->symbol_states[symbol].got * LOADER_POINTER :
      first == FIRST_GOT ? got_base(loader) :
      first == FIRST_SIZE && symbol != 0 ? symbol_size(loader, symbol) : 0;
  logic integer second_term(struct loader *loader, integer second, integer place) =
      second == SECOND_PLACE ? place : second == SECOND_GOT ? got_base(loader) : 0;
*/

/*@
  requires \valid_read(loader) && \valid_read(loader->symbol_states + symbol);
  requires symbol == 0 || symbol < loader->symbols;
  assigns \nothing;
  ensures \result == (uint64_t)first_term(loader, first, symbol);
*/
static uint64_t compute_first(const struct loader *loader, enum relocation_first first, uint32_t symbol)
{
    const struct loader_symbol_state *state = &loader->symbol_states[symbol];

    switch (first) {
    case FIRST_SYMBOL:
    case FIRST_CALL:
        return state->value;
    case FIRST_GOT_ENTRY:
        return loader->base + loader->got_offset + (uint64_t)state->got * LOADER_POINTER;
    case FIRST_GOT_OFFSET:
        return (uint64_t)state->got * LOADER_POINTER;
    case FIRST_GOT:
        return loader->base + loader->got_offset;
    case FIRST_SIZE:
        return symbol ? symbol_at(loader, symbol)->symbol.st_size : 0;
    default:
        return 0;
    }
}

/*@
  requires \valid_read(loader);
  assigns \nothing;
  ensures \result == second_term(loader, second, place);
*/
static uint64_t compute_second(const struct loader *loader, enum relocation_second second, uint64_t place)
{
    if (second == SECOND_PLACE)
        return place;
    return second == SECOND_GOT ? loader->base + loader->got_offset : 0;
}

/* `first + addend - second`, as x86_64.c describes. All arithmetic is modulo 2^64. */
/*@
  requires \valid_read(loader) && \valid_read(loader->symbol_states + symbol) && \valid_read(type);
  requires symbol == 0 || symbol < loader->symbols;
  assigns \nothing;
  ensures \result == (uint64_t)((uint64_t)first_term(loader, type->first, symbol) + addend -
                                second_term(loader, type->second, place));
*/
static uint64_t compute(const struct loader *loader, const struct relocation_type *type, uint32_t symbol,
                        int64_t addend, uint64_t place)
{
    return relocation_value(compute_first(loader, type->first, symbol), addend,
                            compute_second(loader, type->second, place));
}

/* A value that does not fit: a call may go through its symbol's stub, anything else is an error. */
static int apply_far(const struct loader *loader, const struct relocation_table *table,
                     const struct file_relocation *entry, uint64_t place, uint64_t *value, struct failure *why)
{
    static const char *const ranges[] = {
        [RANGE_SIGNED] = "signed", [RANGE_UNSIGNED] = "unsigned", [RANGE_EITHER] = "signed or unsigned"};
    uint32_t number = (uint32_t)ELF64_R_TYPE(entry->relocation.r_info);
    uint32_t symbol = (uint32_t)ELF64_R_SYM(entry->relocation.r_info), stub = loader->symbol_states[symbol].stub;
    const struct relocation_type *type = &x86_64_relocations[number];

    if (stub != LOADER_NONE && table->executable &&
        x86_64_is_call(number, table->contents, entry->relocation.r_offset, entry->relocation.r_addend)) {
        uint64_t distance = loader->base + loader->stubs_offset + (uint64_t)stub * LOADER_STUB +
                            (uint64_t)entry->relocation.r_addend - place;

        if (value_fits(type->range, distance, type->width)) {
            *value = distance;
            return 0;
        }
    }
    return refuse(
        loader, why, -ELINK,
        "relocation %s at %.64s+0x%llx against '%.200s': the value 0x%llx does not fit in %u bits, %s; is the "
        "object compiled for another address range (-mcmodel)?",
        type->name, section_name(loader, table->target), (unsigned long long)entry->relocation.r_offset,
        symbol_name(loader, symbol), (unsigned long long)*value, type->width * 8u, ranges[type->range]);
}

static int apply_table(const struct loader *loader, const struct relocation_table *table, struct failure *why)
{
    uint8_t *contents = loader->image + loader->section_states[table->target].offset;
    uint64_t address = loader->base + loader->section_states[table->target].offset;

    for (uint64_t n = 0; n < table->count; n++) {
        const struct file_relocation *entry = entry_at(table, n);
        const struct relocation_type *type = &x86_64_relocations[ELF64_R_TYPE(entry->relocation.r_info)];
        uint64_t offset = entry->relocation.r_offset, value;

        value = compute(loader, type, (uint32_t)ELF64_R_SYM(entry->relocation.r_info), entry->relocation.r_addend,
                        address + offset);
        if (!value_fits(type->range, value, type->width)) {
            uint64_t far = value; /* of its own, so that `value` need not be in memory */
            int error = apply_far(loader, table, entry, address + offset, &far, why);

            if (error)
                return error;
            value = far;
        }
        field_write(contents + offset, value, type->width);
    }
    return 0;
}

int relocations_apply(struct loader *loader, struct failure *why)
{
    struct relocation_table table;
    int error = 0;

    for (uint32_t i = 1; !error && i < loader->sections; i++) {
        error = open_table(loader, i, &table, why);
        if (!error && table.count)
            error = apply_table(loader, &table, why);
    }
    return error;
}
