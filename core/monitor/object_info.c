/*
 * object_info.c - looks into an object of the boot archive.
 *
 * The object is linked into a scratch buffer as though it stood at the start of the modules' addresses. Nothing runs,
 * and which symbols there are does not matter: every one is taken to exist, so that an object that cannot be loaded for
 * lack of one shows all the same.
 *
 * Entry point: object_info_reply(). Concurrency: the monitor's thread alone.
 */
#include "core/monitor/object_info.h"
#include "core/heap.h"
#include "core/module.h"
#include "core/signature.h"
#include "loader/loader.h"
#include <arch/memory.h>
#include <moult/text.h>
#include <string.h>

#define FILE_NAME_BYTES 100

static bool resolve_any(void *context, const char *name, uint64_t *address)
{
    (void)context;
    (void)name;
    *address = KERNEL_BASE;
    return true;
}

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

static uint64_t count_relocations(const struct loader *loader)
{
    uint64_t count = 0;

    for (unsigned type = 0; type < LOADER_RELOCATION_TYPES; type++)
        count += loader->relocations[type];
    return count;
}

static void show_json(struct json *json, const struct loader *loader)
{
    const struct loader_declaration *declaration = &loader->declaration;
    struct loader_export exported;
    struct loader_slot slot;

    json_text(json, "name", declaration->name.text);
    json_text(json, "version", declaration->version.text);
    json_text(json, "summary", declaration->summary.text);
    json_bool(json, "loaded", false);
    json_number(json, "text", loader->regions[LOADER_TEXT].bytes);
    json_number(json, "rodata", loader->regions[LOADER_RODATA].bytes);
    json_number(json, "data", loader->regions[LOADER_DATA].bytes);
    json_number(json, "relocations", count_relocations(loader));
    json_list(json, "slots");
    for (uint32_t i = 0; i < declaration->slots; i++) {
        loader_slot(loader, i, &slot);
        json_text(json, NULL, slot.type);
    }
    json_list_end(json);
    json_list(json, "exports");
    for (uint32_t i = 0; i < declaration->exports; i++) {
        loader_export(loader, i, &exported);
        json_text(json, NULL, exported.name.text);
    }
    json_list_end(json);
}

static void show_text(struct request *request, const struct loader *loader)
{
    const struct loader_declaration *declaration = &loader->declaration;
    struct loader_export exported;
    struct loader_slot slot;

    reply_print(request, "name         %s\nversion      %.100s\nsummary      %.300s\n", declaration->name.text,
                declaration->version.text, declaration->summary.text);
    reply_print(request, "loaded       no; it takes text %lu, read-only %lu, data %lu bytes\n",
                loader->regions[LOADER_TEXT].bytes, loader->regions[LOADER_RODATA].bytes,
                loader->regions[LOADER_DATA].bytes);
    reply_print(request, "relocations  %lu\nslots       ", count_relocations(loader));
    for (uint32_t i = 0; i < declaration->slots; i++) {
        loader_slot(loader, i, &slot);
        reply_print(request, " %s", slot.type);
    }
    reply_write(request, declaration->slots ? "\nexports     " : " -\nexports     ");
    for (uint32_t i = 0; i < declaration->exports; i++) {
        loader_export(loader, i, &exported);
        reply_print(request, " %s", exported.name.text);
    }
    reply_write(request, declaration->exports ? "\n" : " -\n");
}

/* Links the object that was planned into a scratch buffer, and shows it. */
static int link_and_show(struct request *request, struct loader *loader, struct failure *why)
{
    int error = loader_place(loader, MODULES_BASE + (-MODULES_BASE & (loader->alignment - 1)), why);

    if (error)
        return error;
    void *image = heap_alloc_zeroed(1, loader->image_bytes + 1);
    if (!image)
        return fail(why, -ENOMEM, "there is no memory to look into the object; end some threads or unload a module");
    error = loader_link(loader, image, why);
    if (!error && !loader->declaration.declared)
        error = fail(why, -ENOEXEC, "the object does not declare a module: MODULE(...) of moult/module.h is missing");
    if (!error) {
        struct json *json = reply_begin(request);

        if (json)
            show_json(json, loader);
        else
            show_text(request, loader);
    }
    heap_free(image);
    return error;
}

int object_info_reply(struct request *request, const char *name, struct failure *why)
{
    static struct loader loader;
    char file[FILE_NAME_BYTES];
    const void *bytes;
    size_t size;
    const struct loader_environment environment = {
        .name = name, .resolve = resolve_any, .allocate = allocate, .release = release};

    if (text_format(file, sizeof file, "%s.o", name) >= sizeof file || !archive_find(file, &bytes, &size))
        return fail(why, -ENOENT,
                    "there is no module '%.64s', loaded or in the boot archive; `modules` lists those there are", name);
    int error = loader_plan(&loader, &environment, bytes, signature_contents(bytes, size), why);
    if (!error)
        error = link_and_show(request, &loader, why);
    loader_close(&loader);
    return error;
}
