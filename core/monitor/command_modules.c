/*
 * command_modules.c - `modules`, `insmod`, `rmmod`, `modinfo`.
 *
 * The registry is held still while it is walked; a reply is written meanwhile, which blocks nobody but other users of
 * the registry. Entry points: the four commands. Concurrency: the monitor's thread alone.
 */
#include "core/module.h"
#include "core/monitor/commands.h"
#include "core/monitor/object_info.h"
#include "core/slot.h"
#include <moult/text.h>
#include <string.h>

#define ROW_COLUMNS 80
#define ARCHIVE_TITLE "In the boot archive:"

static bool occupies(const struct module *module, const struct slot *slot)
{
    return slot->occupant->module == module || (slot->standby && slot->standby->module == module);
}

static bool needs(const struct module *user, const struct module *module)
{
    for (size_t i = 0; i < user->needs_count; i++) {
        if (user->needs[i] == module)
            return true;
    }
    return false;
}

/* Calls show() with the name of every slot and every module that uses `module`. Returns whether there are any. */
static bool visit_users(const struct module *module, void (*show)(struct request *request, const char *name),
                        struct request *request)
{
    const struct module *user;
    const struct slot *slot;
    bool any = false;

    for (unsigned i = 0; (slot = slot_at(i)); i++) {
        if (!occupies(module, slot))
            continue;
        show(request, slot->name);
        any = true;
    }
    TAILQ_FOREACH(user, &modules, link) {
        if (!needs(user, module))
            continue;
        show(request, user->name);
        any = true;
    }
    return any;
}

static void show_user_text(struct request *request, const char *name)
{
    reply_print(request, " %s", name);
}

static void show_user_json(struct request *request, const char *name)
{
    json_text(&request->json, NULL, name);
}

static size_t module_bytes(const struct module *module)
{
    return module->text_bytes + module->rodata_bytes + module->data_bytes;
}

static void show_modules_json(struct request *request, struct json *json)
{
    const struct module *module;
    const char *name;
    size_t cursor = 0;

    json_list(json, "loaded");
    TAILQ_FOREACH(module, &modules, link) {
        json_object(json, NULL);
        json_text(json, "name", module->name);
        json_text(json, "version", module->version);
        json_text(json, "summary", module->summary);
        json_address(json, "base", (uintptr_t)module->base);
        json_number(json, "bytes", module_bytes(module));
        json_number(json, "users", module->users);
        json_list(json, "used_by");
        visit_users(module, show_user_json, request);
        json_list_end(json);
        json_text(json, "pinned", module->pinned);
        json_object_end(json);
    }
    json_list_end(json);
    json_list(json, "archive");
    while ((name = complete_module("", &cursor)))
        json_text(json, NULL, name);
    json_list_end(json);
}

/* The names in the archive, in rows. */
static void show_archive_text(struct request *request)
{
    const char *name;
    size_t cursor = 0, column;

    reply_write(request, ARCHIVE_TITLE);
    column = strlen(ARCHIVE_TITLE);
    while ((name = complete_module("", &cursor))) {
        column += strlen(name) + 1;
        if (column >= ROW_COLUMNS) {
            reply_write(request, "\n   ");
            column = strlen("   ") + strlen(name) + 1;
        }
        reply_print(request, " %s", name);
    }
    reply_write(request, cursor ? "\n" : " nothing\n");
}

static void show_modules_text(struct request *request)
{
    const struct module *module;

    if (TAILQ_EMPTY(&modules))
        reply_write(request, "No module is loaded.\n");
    else
        reply_print(request, "%-24s %-8s %8s %6s  %s\n", "MODULE", "VERSION", "BYTES", "USERS", "USED BY");
    TAILQ_FOREACH(module, &modules, link) {
        reply_print(request, "%-24s %-8s %8lu %6u ", module->name, module->version, module_bytes(module),
                    module->users);
        if (!visit_users(module, show_user_text, request))
            reply_write(request, module->pinned[0] ? " pinned by " : " -");
        reply_print(request, "%s\n", module->users ? "" : module->pinned);
    }
    show_archive_text(request);
}

static int run_modules(struct request *request, struct failure *why)
{
    (void)why;
    modules_lock();
    struct json *json = reply_begin(request);
    if (json)
        show_modules_json(request, json);
    else
        show_modules_text(request);
    modules_unlock();
    return 0;
}

/* The pairs on the line; returns how many. */
static int parse_settings(const struct arguments *arguments, struct module_setting *settings, struct failure *why)
{
    int count = 0;
    for (unsigned i = 0; i < arguments->count; i++) {
        const struct argument *argument = &arguments->words[i];
        if (!argument->value)
            continue;
        settings[count].name = argument->text;
        int error = argument_number(argument->text, argument->value, 0, UINT64_MAX, &settings[count++].value, why);
        if (error)
            return error;
    }
    return count;
}

static int run_insmod(struct request *request, struct failure *why)
{
    struct module_setting settings[ARGUMENTS_MAX];
    struct module *module;
    int error = parse_settings(request->arguments, settings, why);
    if (error >= 0)
        error = module_insert(arguments_word(request->arguments, 1), settings, (size_t)error, &module, why);

    if (error)
        return error;
    struct json *json = reply_begin(request);
    if (json) {
        json_text(json, "name", module->name);
        json_address(json, "base", (uintptr_t)module->base);
        json_number(json, "bytes", module_bytes(module));
        json_number(json, "relocations", module->relocations);
        json_object(json, "sections");
        json_number(json, "text", module->text_bytes);
        json_number(json, "rodata", module->rodata_bytes);
        json_number(json, "data", module->data_bytes);
        json_object_end(json);
    } else {
        reply_print(request, "%s %s at %p: %lu bytes, %lu relocations\n", module->name, module->version,
                    (void *)module->base, module_bytes(module), module->relocations);
    }
    return 0;
}

static int run_rmmod(struct request *request, struct failure *why)
{
    const char *name = arguments_word(request->arguments, 1);
    int error = module_remove(name, why);

    if (error)
        return error;
    struct json *json = reply_begin(request);
    if (json)
        json_text(json, "name", name);
    else
        reply_print(request, "%s is out\n", name);
    return 0;
}

static void show_loaded_json(struct request *request, const struct module *module, struct json *json)
{
    const char *name;
    uint64_t *place;

    json_text(json, "name", module->name);
    json_text(json, "version", module->version);
    json_text(json, "summary", module->summary);
    json_bool(json, "loaded", true);
    json_address(json, "base", (uintptr_t)module->base);
    json_number(json, "text", module->text_bytes);
    json_number(json, "rodata", module->rodata_bytes);
    json_number(json, "data", module->data_bytes);
    json_number(json, "relocations", module->relocations);
    json_list(json, "slots");
    for (size_t i = 0; i < module->slots_count; i++)
        json_text(json, NULL, module->slots[i].slot);
    json_list_end(json);
    json_list(json, "exports");
    for (size_t i = 0; i < module->exports_count; i++)
        json_text(json, NULL, module->exports[i].name);
    json_list_end(json);
    json_object(json, "parameters");
    for (size_t i = 0; (name = module_parameter(module, i, &place)); i++)
        json_number(json, name, *place);
    json_object_end(json);
    json_list(json, "needs");
    for (size_t i = 0; i < module->needs_count; i++)
        json_text(json, NULL, module->needs[i]->name);
    json_list_end(json);
    json_list(json, "used_by");
    visit_users(module, show_user_json, request);
    json_list_end(json);
}

static void show_loaded_text(struct request *request, const struct module *module)
{
    const char *name;
    uint64_t *place;

    reply_print(request, "name         %s\nversion      %s\nsummary      %s\n", module->name, module->version,
                module->summary);
    reply_print(request, "loaded       at %p: text %lu, read-only %lu, data %lu bytes\n", (void *)module->base,
                module->text_bytes, module->rodata_bytes, module->data_bytes);
    reply_print(request, "relocations  %lu\nslots       ", module->relocations);
    for (size_t i = 0; i < module->slots_count; i++)
        reply_print(request, " %s", module->slots[i].slot);
    reply_write(request, module->slots_count ? "\nexports     " : " -\nexports     ");
    for (size_t i = 0; i < module->exports_count; i++)
        reply_print(request, " %s", module->exports[i].name);
    reply_write(request, module->exports_count ? "\nparameters  " : " -\nparameters  ");
    for (size_t i = 0; (name = module_parameter(module, i, &place)); i++)
        reply_print(request, " %s=%lu", name, *place);
    reply_write(request, module_parameter(module, 0, &place) ? "\nneeds       " : " -\nneeds       ");
    for (size_t i = 0; i < module->needs_count; i++)
        reply_print(request, " %s", module->needs[i]->name);
    reply_write(request, module->needs_count ? "\nused by     " : " -\nused by     ");
    reply_write(request, visit_users(module, show_user_text, request) ? "\n" : " -\n");
}

/* Of a loaded module what the registry has; of another what the object in the boot archive says. */
static int run_modinfo(struct request *request, struct failure *why)
{
    const char *name = arguments_word(request->arguments, 1);

    modules_lock();
    const struct module *module = module_find(name);
    if (!module) {
        modules_unlock();
        return object_info_reply(request, name, why);
    }
    struct json *json = reply_begin(request);
    if (json)
        show_loaded_json(request, module, json);
    else
        show_loaded_text(request, module);
    modules_unlock();
    return 0;
}

const struct command modules_command = {
    .name = "modules",
    .form = "modules",
    .summary = "lists the modules loaded, and in the boot archive",
    .run = run_modules,
};

const struct command insmod_command = {
    .name = "insmod",
    .form = "insmod NAME [PARAMETER=NUMBER ...]",
    .summary = "loads a module from the boot archive",
    .details = "It is linked with the kernel and with the modules that are in, and does nothing\n"
               "until `swap` makes its policy the occupant of a slot. `modinfo NAME` shows the\n"
               "parameters of a module that is in.\n",
    .words_min = 1,
    .words_max = 1,
    .keys = ANY_KEY,
    .complete = {complete_module},
    .run = run_insmod,
};

const struct command rmmod_command = {
    .name = "rmmod",
    .form = "rmmod NAME",
    .summary = "takes a module out that nothing uses",
    .words_min = 1,
    .words_max = 1,
    .complete = {complete_loaded_module},
    .run = run_rmmod,
};

const struct command modinfo_command = {
    .name = "modinfo",
    .form = "modinfo NAME",
    .summary = "shows what a module is, offers and needs",
    .details = "Of a module that is not loaded: what its object in the boot archive says.\n",
    .words_min = 1,
    .words_max = 1,
    .complete = {complete_module},
    .run = run_modinfo,
};
