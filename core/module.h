/*
 * module.h - the modules in the kernel: object files from the boot archive, relocated and mapped.
 */
#ifndef CORE_MODULE_H
#define CORE_MODULE_H

#include <moult/errors.h>
#include <moult/module.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* A symbol of the kernel's or a module's; the name stays where the boot loader or the archive has it. */
struct module_symbol {
    uintptr_t address;
    size_t size;
    const char *name;
};

/*
 * One loaded module. Fixed from insertion to removal, but for `users`. The registry's mutex protects the list; it
 * also is followed in panics and by GDB without it.
 */
struct module {
    TAILQ_ENTRY(module) link;
    char name[MODULE_NAME_BYTES];
    char version[32];
    char summary[96];
    uint8_t *base;                               /* text, then read-only, then data */
    size_t pages;                                /* from base; gaps between the regions are not mapped */
    size_t text_bytes, rodata_bytes, data_bytes; /* whole pages each */
    size_t object_bytes;                         /* of the file */
    unsigned users;        /* modules and threads that need it; a slot that it occupies counts as well */
    bool automatic;        /* brought in by `swap`: leaves when it is retired */
    char pinned[64];       /* what still points into it though nobody uses it, when last asked; "": nothing */
    struct module **needs; /* modules whose exports it links to */
    size_t needs_count;
    const struct module_slot *slots; /* in its read-only part */
    size_t slots_count;
    const struct module_export *exports;
    size_t exports_count;
    struct module_symbol *symbols; /* sorted by address */
    size_t symbols_count;
    const uintptr_t *fini; /* .fini_array */
    size_t fini_count;
    size_t relocations; /* applied */
};

TAILQ_HEAD(module_list, module);
extern struct module_list modules;

/*
 * The boot archive: a ustar file that the boot loader brought. Checks it; with a damaged or missing one, says so in
 * the log and goes on without.
 */
void archive_init(const void *bytes, size_t size);
bool archive_present(void);
/* Finds a file; false: none. */
bool archive_find(const char *name, const void **bytes, size_t *size);
/* The names in the archive by index; NULL: no more. */
const char *archive_name(unsigned index);

/* A module's parameter, and what it is to be (moult/module.h). */
struct module_setting {
    const char *name;
    uint64_t value;
};

/*
 * Loads NAME.o from the boot archive, links it, and sets its parameters. *inserted gets the module. -EINVAL it has no
 * such parameter; -ENOENT not in the archive; -EEXIST already in; -ETRUST (core/trust.h); -ENOEXEC, -ELINK,
 * -EABI, -ENOMEM. On failure nothing is left behind and `why` says what was wrong. Thread context.
 */
int module_insert(const char *name, const struct module_setting *settings, size_t settings_count,
                  struct module **inserted, struct failure *why);

/* The module's parameters by index: name and place; NULL: no more. The registry is held still. */
const char *module_parameter(const struct module *module, size_t index, uint64_t **place);

/* Takes a module out: -ENOENT; -EBUSY while a slot, a thread or another module uses it (named in `why`). */
int module_remove(const char *name, struct failure *why);

/* Looks a module up by name, and by an address inside; NULL: none. module_at() in any context. */
struct module *module_find(const char *name);
struct module *module_at(uintptr_t address);

/* The name of the module that was at `address` and has left, one of the last 64; NULL: none. Any context. */
const char *module_gone_from(uintptr_t address);

/* Holds the list still for a walk; may block. */
void modules_lock(void);
void modules_unlock(void);

/* Counts one more or one less user. Any context. */
void module_get(struct module *module);
void module_put(struct module *module);

/* The module whose text holds `address`, counted as used; NULL: it is the kernel's. Any context. */
struct module *module_hold_text(uintptr_t address);

/*
 * Takes out the modules that `swap` brought in and that nobody uses; one that something still points into stays until
 * a later call finds that nothing does. Does not wait: false if modules are being put in or taken out, which may take
 * as long as their constructors do. Thread context.
 */
bool modules_retire(void);

/* Empty functions that a debugger breaks at to follow modules as they come and go. */
void debugger_module_loaded(const struct module *module);
void debugger_module_unloaded(const struct module *module);

#endif
