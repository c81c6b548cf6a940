/*
 * module_parameters.c - the numbers that whoever inserts a module may choose (MODULE_PARAMETER in moult/module.h).
 *
 * They are symbols of a prefix in the module's data. Concurrency: the registry's mutex is held, or the module is in
 * use.
 */
#include "core/module_private.h"
#include <string.h>

#define PARAMETER_PREFIX "parameter_"

/* A symbol of that prefix, for eight bytes of the module's data. */
static bool is_parameter(const struct module *module, const struct module_symbol *symbol)
{
    uintptr_t offset = symbol->address - (uintptr_t)module->base - module->text_bytes - module->rodata_bytes;
    return strncmp(symbol->name, PARAMETER_PREFIX, strlen(PARAMETER_PREFIX)) == 0 && symbol->size == sizeof(uint64_t) &&
           symbol->address % sizeof(uint64_t) == 0 && offset < module->data_bytes;
}

const char *module_parameter(const struct module *module, size_t index, uint64_t **place)
{
    for (size_t i = 0; i < module->symbols_count; i++) {
        if (!is_parameter(module, &module->symbols[i]) || index-- > 0)
            continue;
        *place = (uint64_t *)module->symbols[i].address;
        return module->symbols[i].name + strlen(PARAMETER_PREFIX);
    }
    return NULL;
}

static int set_parameter(const struct module *module, const struct module_setting *setting, struct failure *why)
{
    const char *name;
    uint64_t *place;
    for (size_t i = 0; (name = module_parameter(module, i, &place)); i++) {
        if (strcmp(name, setting->name) == 0) {
            *place = setting->value;
            return 0;
        }
    }
    return fail(why, -EINVAL, "module '%s' has no parameter '%.64s'; `modinfo %s` lists those it has", module->name,
                setting->name, module->name);
}

int module_set_parameters(const struct module *module, const struct module_setting *settings, size_t count,
                          struct failure *why)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = set_parameter(module, &settings[i], why);
    return result;
}
