/*
 * symbols.c - the kernel's symbol map: exports by hash, and all symbols by address.
 *
 * Built once at boot, constant afterwards; so any context may read it, a panic included.
 */
#include "core/symbols.h"
#include "core/heap.h"
#include "core/log.h"
#include "core/module.h"
#include "core/panic.h"
#include "core/sort.h"
#include <elf.h>
#include <moult/module.h>
#include <string.h>

extern const struct module_export exports_start[], exports_end[];
extern char text_start[], text_end[], data_end[];

static struct module_symbol *symbols; /* of the kernel, sorted by address */
static size_t symbols_count;

/* Exports by name: open addressing, at most half full. Entries are 1 + the index of the export; 0: free. */
static uint16_t *export_table;
static size_t export_mask;

/* FNV-1a (Fowler, Noll, Vo), 32 bits. */
static uint32_t hash(const char *name)
{
    uint32_t value = 2166136261u;
    for (; *name; name++)
        value = (value ^ (uint8_t)*name) * 16777619u;
    return value;
}

static void hash_exports(void)
{
    size_t count = (size_t)(exports_end - exports_start), size = 16;
    ASSERT(count < UINT16_MAX);
    while (size < 2 * count)
        size *= 2;
    export_table = heap_alloc_zeroed(size, sizeof(*export_table));
    if (!export_table)
        panic("there is no memory for the symbol map: give the machine more");
    export_mask = size - 1;
    for (size_t i = 0; i < count; i++) {
        size_t at = hash(exports_start[i].name) & export_mask;
        while (export_table[at])
            at = (at + 1) & export_mask;
        export_table[at] = (uint16_t)(i + 1);
    }
}

uintptr_t symbol_exported(const char *name)
{
    for (size_t at = hash(name) & export_mask; export_table[at]; at = (at + 1) & export_mask) {
        const struct module_export *export = &exports_start[export_table[at] - 1];
        if (strcmp(export->name, name) == 0)
            return (uintptr_t) export->address;
    }
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct module_symbol *first = a, *second = b;
    return first->address < second->address ? -1 : first->address > second->address;
}

static bool wanted(const Elf64_Sym *symbol, size_t strtab_bytes)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    return symbol->st_name != 0 && symbol->st_name < strtab_bytes && symbol->st_value >= (uintptr_t)text_start &&
           symbol->st_value < (uintptr_t)data_end && (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE);
}

static void add_symbols(const Elf64_Sym *table, size_t count, const char *strings, size_t strings_bytes)
{
    symbols = heap_alloc((count + 1) * sizeof(*symbols));
    if (!symbols)
        return;
    for (size_t i = 0; i < count; i++)
        if (wanted(&table[i], strings_bytes))
            symbols[symbols_count++] = (struct module_symbol){table[i].st_value, table[i].st_size,
                                                              strings + table[i].st_name};
    sort(symbols, symbols_count, sizeof(*symbols), by_address);
}

void symbols_init(const void *symtab, size_t symtab_bytes, const void *strtab, size_t strtab_bytes)
{
    hash_exports();
    if (!symtab || !strtab || strtab_bytes == 0 || ((const char *)strtab)[strtab_bytes - 1] != 0) {
        log_line("the boot loader brought no symbol table: backtraces will show addresses only");
        return;
    }
    add_symbols(symtab, symtab_bytes / sizeof(Elf64_Sym), strtab, strtab_bytes);
}

/* The last symbol at or before an address in a sorted list; NULL: none. */
static const struct module_symbol *before(const struct module_symbol *list, size_t count, uintptr_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &list[low - 1] : NULL;
}

bool symbol_at(uintptr_t address, struct symbol_place *place)
{
    const struct module *module = module_at(address);
    const struct module_symbol *symbol = NULL;
    if (module)
        symbol = before(module->symbols, module->symbols_count, address);
    else if (address >= (uintptr_t)text_start && address < (uintptr_t)data_end)
        symbol = before(symbols, symbols_count, address);
    if (!symbol)
        return false;
    *place = (struct symbol_place){symbol->name, module ? module->name : NULL, symbol->address,
                                   address - symbol->address};
    return true;
}

static uintptr_t find_in(const struct module_symbol *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i].address;
    return 0;
}

uintptr_t symbol_find(const char *name)
{
    uintptr_t address = symbol_exported(name);
    const struct module *module;
    if (!address)
        address = find_in(symbols, symbols_count, name);
    TAILQ_FOREACH(module, &modules, link) {
        if (!address)
            address = find_in(module->symbols, module->symbols_count, name);
    }
    return address;
}

bool symbol_in_text(uintptr_t address)
{
    return address >= (uintptr_t)text_start && address < (uintptr_t)text_end;
}

/* The next of a list that begins with `prefix`; `*cursor` counts on from `first`, the number of its first entry. */
static const char *complete_in(const struct module_symbol *list, size_t count, size_t first, const char *prefix,
                               size_t *cursor)
{
    size_t length = strlen(prefix);
    while (*cursor >= first && *cursor < first + count) {
        const char *name = list[(*cursor)++ - first].name;
        if (strncmp(name, prefix, length) == 0)
            return name;
    }
    return NULL;
}

const char *symbol_complete(const char *prefix, size_t *cursor)
{
    const char *name = complete_in(symbols, symbols_count, 0, prefix, cursor);
    size_t first = symbols_count;
    const struct module *module;
    TAILQ_FOREACH(module, &modules, link) {
        if (!name)
            name = complete_in(module->symbols, module->symbols_count, first, prefix, cursor);
        first += module->symbols_count;
    }
    return name;
}
