/*
 * module_private.h - what core/module.c (the registry) and core/module_link.c (from object to module) share.
 */
#ifndef CORE_MODULE_PRIVATE_H
#define CORE_MODULE_PRIVATE_H

#include "core/module.h"

/*
 * Links the object into a new module that is not in the registry yet, with its constructors not run: `init` and
 * `init_count` get them. The registry's mutex is held. On failure nothing is left behind.
 */
int module_link(const char *name, const void *object, size_t bytes, struct module **linked, const uintptr_t **init,
                size_t *init_count, struct failure *why);

/* Sets parameters. -EINVAL: it has none of such a name; those before it are set. */
int module_set_parameters(const struct module *module, const struct module_setting *settings, size_t count,
                          struct failure *why);

/* Frees a linked module's pages, tables, and its hold on the modules that it needs. */
void module_free(struct module *module);

#endif
