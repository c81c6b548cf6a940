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

static bool resolve(void *context, const char *name, uint64_t *address)
{
    struct link *link = context;
    struct module *other;
    *address = symbol_exported(name);
    if (*address)
        return true;
    TAILQ_FOREACH(other, &modules, link) {
        for (size_t i = 0; i < other->exports_count; i++) {
            if (strcmp(other->exports[i].name, name) != 0)
                continue;
            *address = (uintptr_t)other->exports[i].address;
            link->out_of_memory |= !note_need(link, other);
            return true;
        }
    }
    return false;
}

static int map_image(struct link *link, struct failure *why)
{
    struct loader *loader = &link->loader;
    struct module *module = link->module;
    size_t pages = loader->bytes_most / PAGE_SIZE + (loader->bytes_most == 0);
    int result;
    module->base = vm_reserve(VM_MODULES, pages, loader->alignment);
    if (!module->base)
        return fail(why, -ENOMEM, "there are no %lu bytes of addresses left for modules; unload one",
                    loader->bytes_most);
    result = loader_place(loader, (uintptr_t)module->base, why);
    if (result != 0)
        return result;
    module->pages = loader->bytes / PAGE_SIZE;
    result = module->pages ? vm_populate(module->base, module->pages, PROTECTION_WRITE) : 0;
    if (result != 0) {
        module->pages = 0;
        return fail(why, result, "there is no memory for its %lu bytes; end some threads or unload a module",
                    loader->bytes);
    }
    memset(module->base, 0, loader->bytes);
    return loader_link(loader, module->base, why);
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

/* Is each slot's table what this kernel understands? */
static int check_slots(struct link *link, struct failure *why)
{
    for (uint32_t i = 0; i < link->loader.declaration.slots; i++) {
        struct loader_slot offered;
        const struct slot_type *type;
        loader_slot(&link->loader, i, &offered);
        type = slot_type_find(offered.type);
        if (!type)
            return fail(why, -ENOTSUP, "it offers a policy for slots of type '%s', which this kernel does not have",
                        offered.type);
        if (offered.abi != type->abi)
            return fail(
                why, -EABI,
                "it was built against other declarations of slot type '%s' (fingerprint %#lx, the kernel's is %#lx); "
                "build it again with `make module`",
                offered.type, offered.abi, type->abi);
        if (offered.ops_bytes < type->ops_size)
            return fail(why, -ENOEXEC, "its table of functions for slot type '%s' is cut off", offered.type);
    }
    return 0;
}

static int check_declaration(struct link *link, const char *name, struct failure *why)
{
    const struct loader_declaration *declared = &link->loader.declaration;
    struct module *module = link->module;
    if (!declared->declared)
        return fail(why, -ENOEXEC, "%s.o is an object but no module: it lacks a MODULE() declaration", name);
    if (strcmp(declared->name.text, name) != 0)
        return fail(why, -EINVAL, "%s.o declares itself to be module '%s'; name the file %s.o", name,
                    declared->name.text, declared->name.text);
    copy_text(module->name, sizeof(module->name), declared->name.text);
    copy_text(module->version, sizeof(module->version), declared->version.text);
    copy_text(module->summary, sizeof(module->summary), declared->summary.text);
    return check_slots(link, why);
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
    struct loader_section section;
    uint32_t cursor = 0;
    while (loader_next_section(&link->loader, &cursor, &section)) {
        if (strcmp(section.name, ".moult.slots") == 0)
            module->slots = (const struct module_slot *)section.address;
        if (strcmp(section.name, ".moult.exports") == 0)
            module->exports = (const struct module_export *)section.address;
    }
    module->slots_count = link->loader.declaration.slots;
    module->exports_count = link->loader.declaration.exports;
    module->fini = (const uintptr_t *)link->loader.fini.address;
    module->fini_count = link->loader.fini.count;
    for (unsigned i = 0; i < LOADER_RELOCATION_TYPES; i++)
        module->relocations += link->loader.relocations[i];
}

static int link_object(struct link *link, const char *name, const void *object, size_t bytes, struct failure *why)
{
    int result = loader_plan(&link->loader, &link->environment, object, bytes, why);
    if (result == 0 && link->out_of_memory)
        result = fail(why, -ENOMEM, "there is no memory to note what it needs");
    if (result == 0)
        result = map_image(link, why);
    if (result == 0)
        result = check_declaration(link, name, why);
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
    result = link_object(link, name, object, bytes, why);
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
