/*
 * module_link.c - from an object in the boot archive to a module in the kernel's pages, through the loader.
 *
 * The image is written where it is to run, while its pages are writable and not executable; then each region gets its
 * final protection.
 */
#include "core/heap.h"
#include "core/module_private.h"
#include "core/slot.h"
#include "core/sort.h"
#include "core/symbols.h"
#include "core/vm.h"
#include "loader/loader.h"
#include <string.h>

/* One link under way. */
struct link {
    struct loader loader;
    struct loader_environment environment;
    struct module *module;
    size_t needs_capacity;
    bool out_of_memory;
};

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return heap_alloc(bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    heap_free(memory);
}

/* Notes, once, that the module links to another one's export. */
static bool note_need(struct link *link, struct module *needed)
{
    struct module *module = link->module;
    for (size_t i = 0; i < module->needs_count; i++)
        if (module->needs[i] == needed)
            return true;
    if (module->needs_count == link->needs_capacity) {
        size_t capacity = link->needs_capacity ? 2 * link->needs_capacity : 4;
        struct module **larger = heap_resize(module->needs, capacity * sizeof(*larger));
        if (!larger)
            return false;
        module->needs = larger;
        link->needs_capacity = capacity;
    }
    module_get(needed);
    module->needs[module->needs_count++] = needed;
    return true;
}

/* The module that exports a symbol, and where it is; NULL: none does. */
static struct module *exporting_module(const char *name, uint64_t *address)
{
    struct module *module;
    TAILQ_FOREACH(module, &modules, link) {
        for (size_t i = 0; i < module->exports_count; i++) {
            if (strcmp(module->exports[i].name, name) != 0)
                continue;
            *address = (uintptr_t)module->exports[i].address;
            return module;
        }
    }
    return NULL;
}

static bool resolve(void *context, const char *name, uint64_t *address)
{
    struct link *link = context;
    struct module *other;
    *address = symbol_exported(name);
    if (*address)
        return true;
    other = exporting_module(name, address);
    if (other)
        link->out_of_memory |= !note_need(link, other);
    return other != NULL;
}

static int map_part(const struct link *link, uint64_t start, uint64_t end, struct failure *why)
{
    int result = start < end ? vm_populate((void *)start, (end - start) / PAGE_SIZE, PROTECTION_WRITE) : 0;
    if (result != 0)
        return fail(why, result, "there is no memory for its %lu bytes; end some threads or unload a module",
                    link->loader.bytes);
    memset((void *)start, 0, end - start);
    return 0;
}

/*
 * Maps the image: regions that follow one another at once, and the gaps that a great alignment leaves between two not
 * at all.
 */
static int map_regions(const struct link *link, struct failure *why)
{
    uint64_t start = link->loader.base, end = start;
    for (unsigned i = 0; i < LOADER_REGIONS; i++) {
        const struct loader_region *region = &link->loader.regions[i];
        int result = 0;
        if (region->bytes == 0)
            continue;
        if (region->address != end) {
            result = map_part(link, start, end, why);
            start = region->address;
        }
        if (result != 0)
            return result;
        end = region->address + region->bytes;
    }
    return map_part(link, start, end, why);
}

static int map_image(struct link *link, struct failure *why)
{
    struct loader *loader = &link->loader;
    struct module *module = link->module;
    size_t pages = loader->bytes_most / PAGE_SIZE + (loader->bytes_most == 0);
    int result;
    module->base = vm_reserve(VM_MODULES, pages, loader->alignment);
    if (!module->base)
        return fail(why, -ENOMEM,
                    "there are no %lu bytes of addresses at a multiple of 0x%lx left for modules; unload one",
                    loader->bytes_most, loader->alignment);
    result = loader_place(loader, (uintptr_t)module->base, why);
    if (result != 0)
        return result;
    module->pages = loader->bytes / PAGE_SIZE;
    result = map_regions(link, why);
    return result ? result : loader_link(loader, module->base, why);
}

static int protect_image(struct link *link, struct failure *why)
{
    static const unsigned protection[LOADER_REGIONS] = {
        [LOADER_TEXT] = PROTECTION_EXECUTE, [LOADER_RODATA] = PROTECTION_READ, [LOADER_DATA] = PROTECTION_WRITE};
    size_t *sizes[LOADER_REGIONS] = {&link->module->text_bytes, &link->module->rodata_bytes, &link->module->data_bytes};
    for (unsigned i = 0; i < LOADER_REGIONS; i++) {
        const struct loader_region *region = &link->loader.regions[i];
        *sizes[i] = region->bytes;
        if (i == LOADER_DATA || region->bytes == 0)
            continue;
        if (vm_protect((void *)region->address, region->bytes / PAGE_SIZE, protection[i]) != 0)
            return fail(why, -ENOMEM, "there is no memory for its page tables; end some threads or unload a module");
    }
    return 0;
}

static void copy_text(char *to, size_t capacity, const char *from)
{
    size_t length = strnlen(from, capacity - 1);
    memcpy(to, from, length);
    to[length] = 0;
}

static bool find_slot_type(void *context, const char *name, uint64_t *abi, uint64_t *ops_bytes)
{
    const struct slot_type *type = slot_type_find(name);
    (void)context;
    if (!type)
        return false;
    *abi = type->abi;
    *ops_bytes = type->ops_size;
    return true;
}

static const char *find_exporter(void *context, const char *name)
{
    const struct module *module;
    uint64_t address;
    (void)context;
    if (symbol_exported(name))
        return "";
    module = exporting_module(name, &address);
    return module ? module->name : NULL;
}

static int check_declaration(struct link *link, struct failure *why)
{
    static const struct loader_kernel kernel = {.slot_type = find_slot_type, .exporter = find_exporter};
    const struct loader_declaration *declared = &link->loader.declaration;
    struct module *module = link->module;
    int result = loader_admit(&link->loader, &kernel, why);
    if (result != 0)
        return result;
    copy_text(module->name, sizeof(module->name), declared->name.text);
    copy_text(module->version, sizeof(module->version), declared->version.text);
    copy_text(module->summary, sizeof(module->summary), declared->summary.text);
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct module_symbol *first = a, *second = b;
    return first->address < second->address ? -1 : first->address > second->address;
}

/* The module's symbols for backtraces; their names stay in the archive, which stays in memory. */
static int copy_symbols(struct link *link)
{
    struct module *module = link->module;
    struct loader_symbol symbol;
    uint32_t cursor = 0;
    size_t count = 0;
    while (loader_next_symbol(&link->loader, &cursor, &symbol))
        count++;
    module->symbols = heap_alloc((count + 1) * sizeof(*module->symbols));
    if (!module->symbols)
        return -ENOMEM;
    for (cursor = 0; loader_next_symbol(&link->loader, &cursor, &symbol);)
        if (symbol.kind != LOADER_OTHER || symbol.bytes > 0 || symbol.global)
            module->symbols[module->symbols_count++] = (struct module_symbol){symbol.address, symbol.bytes,
                                                                              symbol.name};
    sort(module->symbols, module->symbols_count, sizeof(*module->symbols), by_address);
    return 0;
}

/* The tables of slots and exports, where they are in the image. */
static void find_tables(struct link *link)
{
    struct module *module = link->module;
    module->slots = (const struct module_slot *)link->loader.declaration.slots_table;
    module->exports = (const struct module_export *)link->loader.declaration.exports_table;
    module->slots_count = link->loader.declaration.slots;
    module->exports_count = link->loader.declaration.exports;
    module->fini = (const uintptr_t *)link->loader.fini.address;
    module->fini_count = link->loader.fini.count;
    for (unsigned i = 0; i < LOADER_RELOCATION_TYPES; i++)
        module->relocations += link->loader.relocations[i];
}

static int link_object(struct link *link, const void *object, size_t bytes, struct failure *why)
{
    int result = loader_plan(&link->loader, &link->environment, object, bytes, why);
    if (result == 0 && link->out_of_memory)
        result = fail(why, -ENOMEM, "there is no memory to note what it needs");
    if (result == 0)
        result = map_image(link, why);
    if (result == 0)
        result = check_declaration(link, why);
    if (result == 0)
        result = protect_image(link, why);
    if (result == 0 && copy_symbols(link) != 0)
        result = fail(why, -ENOMEM, "there is no memory for its symbols");
    if (result == 0)
        find_tables(link);
    return result;
}

int module_link(const char *name, const void *object, size_t bytes, struct module **linked, const uintptr_t **init,
                size_t *init_count, struct failure *why)
{
    struct link *link = heap_alloc_zeroed(1, sizeof(*link));
    struct module *module = heap_alloc_zeroed(1, sizeof(*module));
    int result;
    if (!link || !module) {
        heap_free(link);
        heap_free(module);
        return fail(why, -ENOMEM, "there is no memory to load a module");
    }
    link->module = module;
    link->environment = (struct loader_environment){name, link, resolve, allocate, release};
    module->object_bytes = bytes;
    result = link_object(link, object, bytes, why);
    *init = (const uintptr_t *)link->loader.init.address;
    *init_count = link->loader.init.count;
    loader_close(&link->loader);
    heap_free(link);
    if (result != 0)
        module_free(module);
    else
        *linked = module;
    return result;
}

void module_free(struct module *module)
{
    for (size_t i = 0; i < module->needs_count; i++)
        module_put(module->needs[i]);
    if (module->pages)
        vm_depopulate(module->base, module->pages);
    if (module->base)
        vm_release(module->base);
    heap_free(module->needs);
    heap_free(module->symbols);
    heap_free(module);
}
