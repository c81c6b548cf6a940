/*
 * declaration.c - what a linked image says about itself: the module's declaration.
 *
 * Entry point: declaration_read(), the last step of loader_link(). Everything is read from the relocated image through
 * run addresses, as the running kernel will, and nothing outside the image is ever followed.
 */
#include "loader/internal.h"
#include <moult/module.h>

/*
 * What loader_link() wrote at a run address, and how many bytes of it follow in the same region, as between two regions
 * there may be nothing; NULL if it wrote nothing there.
 */
static const char *written_at(const struct loader *loader, uint64_t address, uint64_t *room)
{
    for (unsigned i = 0; i < LOADER_REGIONS; i++) {
        const struct loader_region *region = &loader->regions[i];
        uint64_t offset = address - region->address;

        if (address < region->address || offset >= region->file_bytes)
            continue;
        *room = region->file_bytes - offset;
        return (const char *)loader->image + region->offset + offset;
    }
    return NULL;
}

/* The terminated text at a run address; NULL if there is none in the image. */
static const char *text_at(const struct loader *loader, uint64_t address)
{
    uint64_t room;
    const char *text = written_at(loader, address, &room);

    return text && memchr(text, 0, room) ? text : NULL;
}

/* How many bytes of a region the object fills, NOBITS included and the padding to a page not. */
static uint64_t region_contents(const struct loader *loader, enum loader_region_kind kind)
{
    const struct loader_region *region = &loader->regions[kind];

    if (kind == LOADER_DATA) /* common symbols are last in it */
        return loader->common_offset + loader->common_bytes - region->offset;
    return region->file_bytes;
}

bool loader_contains(const struct loader *loader, enum loader_region_kind kind, uint64_t address, uint64_t bytes)
{
    uint64_t size = region_contents(loader, kind), offset = address - loader->regions[kind].address;

    return address >= loader->regions[kind].address && offset <= size && bytes <= size - offset;
}

/* One line that can be shown as it is. */
static bool is_line(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

/* A name of a module or a slot: a-z 0-9 - . and not too long. */
static bool is_name(const char *text)
{
    size_t length = 0;

    for (; text[length]; length++) {
        char c = text[length];

        if (length + 1 >= MODULE_NAME_BYTES ||
            !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return length > 0;
}

/* Is `text` "key=value"? Then the value. */
static const char *value_of(const char *text, const char *key)
{
    size_t length = strlen(key);

    return strncmp(text, key, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

/* Takes one `key=value` of .moult.info. Keys that are not known are for others. */
static int read_info(struct loader *loader, const char *text, struct failure *why)
{
    struct loader_declaration *declaration = &loader->declaration;
    struct loader_text *texts[] = {&declaration->name, &declaration->version, &declaration->summary};
    static const char *const keys[] = {"name", "version", "summary"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = value_of(text, keys[i]);

        if (!value)
            continue;
        if (texts[i]->address)
            return refuse(loader, why, -ENOEXEC, ".moult.info gives the %s twice: '%.64s' and '%.64s'", keys[i],
                          texts[i]->text, value);
        if (!is_line(value))
            return refuse(loader, why, -ENOEXEC, ".moult.info: the %s '%.64s' is not one line of printable ASCII",
                          keys[i], value);
        texts[i]->text = value;
        texts[i]->address = loader->base + (uint64_t)((const uint8_t *)value - loader->image);
    }
    return 0;
}

static int read_infos(struct loader *loader, const char *info, uint64_t bytes, struct failure *why)
{
    struct loader_declaration *declaration = &loader->declaration;

    if (bytes && info[bytes - 1])
        return refuse(loader, why, -ENOEXEC, ".moult.info does not end with a NUL");
    for (uint64_t i = 0; i < bytes; i += strlen(info + i) + 1) {
        int error = read_info(loader, info + i, why);

        if (error)
            return error;
    }
    if (!is_name(declaration->name.text))
        return refuse(loader, why, -ENOEXEC,
                      ".moult.info: '%.64s' is no module name: 1 to %u characters of a-z 0-9 - .",
                      declaration->name.text, MODULE_NAME_BYTES - 1);
    declaration->declared = true;
    return 0;
}

static const void *section_contents(const struct loader *loader, uint32_t index)
{
    return loader->image + loader->section_states[index].offset;
}

static int check_slots(struct loader *loader, struct failure *why)
{
    uint64_t bytes = section_at(loader, loader->slots_section)->header.sh_size;
    const uint8_t *slots = section_contents(loader, loader->slots_section);

    if (bytes % sizeof(struct module_slot))
        return refuse(loader, why, -ENOEXEC, ".moult.slots has %llu bytes; a slot has %zu", (unsigned long long)bytes,
                      sizeof(struct module_slot));
    if (!loader->declaration.declared)
        return refuse(loader, why, -ENOEXEC,
                      ".moult.slots is there, but .moult.info is not: the object has no MODULE()");
    loader->declaration.slots = (uint32_t)(bytes / sizeof(struct module_slot));
    loader->declaration.slots_table = loader->base + loader->section_states[loader->slots_section].offset;
    for (uint32_t i = 0; i < loader->declaration.slots; i++) {
        struct module_slot slot;
        uint64_t ops;

        memcpy(&slot, slots + i * sizeof slot, sizeof slot);
        ops = (uint64_t)(uintptr_t)slot.ops;
        if (!memchr(slot.slot, 0, sizeof slot.slot) || !is_name(slot.slot))
            return refuse(loader, why, -ENOEXEC, ".moult.slots: entry %u has no valid slot type", i);
        if (ops % LOADER_POINTER || (!loader_contains(loader, LOADER_RODATA, ops, LOADER_POINTER) &&
                                     !loader_contains(loader, LOADER_DATA, ops, LOADER_POINTER)))
            return refuse(loader, why, -ENOEXEC,
                          ".moult.slots: the ops table of '%s' at 0x%llx is not in the module's data", slot.slot,
                          (unsigned long long)ops);
    }
    return 0;
}

static bool in_image(const struct loader *loader, uint64_t address)
{
    return loader_contains(loader, LOADER_TEXT, address, 0) || loader_contains(loader, LOADER_RODATA, address, 0) ||
           loader_contains(loader, LOADER_DATA, address, 0);
}

static int check_exports(struct loader *loader, struct failure *why)
{
    uint64_t bytes = section_at(loader, loader->exports_section)->header.sh_size;
    const uint8_t *exports = section_contents(loader, loader->exports_section);

    if (bytes % sizeof(struct module_export))
        return refuse(loader, why, -ENOEXEC, ".moult.exports has %llu bytes; an export has %zu",
                      (unsigned long long)bytes, sizeof(struct module_export));
    loader->declaration.exports = (uint32_t)(bytes / sizeof(struct module_export));
    loader->declaration.exports_table = loader->base + loader->section_states[loader->exports_section].offset;
    for (uint32_t i = 0; i < loader->declaration.exports; i++) {
        struct module_export export;
        const char *name;

        memcpy(&export, exports + i * sizeof export, sizeof export);
        name = text_at(loader, (uint64_t)(uintptr_t) export.name);
        if (!name || !*name || !is_line(name))
            return refuse(loader, why, -ENOEXEC, ".moult.exports: the name of entry %u at %p is no text in the module",
                          i, (const void *)export.name);
        if (!in_image(loader, (uint64_t)(uintptr_t) export.address))
            return refuse(loader, why, -ENOEXEC, ".moult.exports: '%.200s' at %p is not in the module", name,
                          export.address);
    }
    return 0;
}

/* Finds the loaded section called `name`; there may be one. */
static int find_section(const struct loader *loader, const char *name, uint32_t *index, struct failure *why)
{
    for (uint32_t i = 1; i < loader->sections; i++) {
        uint8_t class = loader->section_states[i].class;

        if ((class != SECTION_RODATA && class != SECTION_DATA) || strcmp(section_name(loader, i), name) != 0)
            continue;
        if (*index)
            return refuse(loader, why, -ENOEXEC, "sections %u and %u are both called %s; there may be one", *index, i,
                          name);
        *index = i;
    }
    return 0;
}

int declaration_read(struct loader *loader, struct failure *why)
{
    static const struct loader_text nothing = {.text = ""};
    struct loader_declaration *declaration = &loader->declaration;
    int error;

    *declaration = (struct loader_declaration){.name = nothing, .version = nothing, .summary = nothing};
    error = find_section(loader, ".moult.info", &loader->info_section, why);
    if (!error)
        error = find_section(loader, ".moult.slots", &loader->slots_section, why);
    if (!error)
        error = find_section(loader, ".moult.exports", &loader->exports_section, why);
    if (!error && loader->info_section)
        error = read_infos(loader, section_contents(loader, loader->info_section),
                           section_at(loader, loader->info_section)->header.sh_size, why);
    if (!error && loader->slots_section)
        error = check_slots(loader, why);
    if (!error && loader->exports_section)
        error = check_exports(loader, why);
    return error;
}

void loader_slot(const struct loader *loader, uint32_t index, struct loader_slot *slot)
{
    const uint8_t *entry = section_contents(loader, loader->slots_section);
    struct module_slot found;
    enum loader_region_kind kind;

    entry += (size_t)index * sizeof found;
    memcpy(&found, entry, sizeof found);
    slot->type = (const char *)entry + offsetof(struct module_slot, slot);
    slot->abi = found.abi;
    slot->ops = (uint64_t)(uintptr_t)found.ops;
    kind = loader_contains(loader, LOADER_RODATA, slot->ops, LOADER_POINTER) ? LOADER_RODATA : LOADER_DATA;
    slot->ops_bytes = region_contents(loader, kind) - (slot->ops - loader->regions[kind].address);
}

void loader_export(const struct loader *loader, uint32_t index, struct loader_export *export)
{
    const uint8_t *exports = section_contents(loader, loader->exports_section);
    struct module_export found;
    uint64_t room;

    memcpy(&found, exports + (size_t)index * sizeof found, sizeof found);
    export->address = (uint64_t)(uintptr_t)found.address;
    export->name.address = (uint64_t)(uintptr_t)found.name;
    export->name.text = written_at(loader, export->name.address, &room); /* a text, as check_exports() found */
}
