/*
 * module.c - the registry of modules: insertion, removal, who uses what.
 *
 * Insertions and removals go one at a time under a mutex. Links of the list and counts of users change under
 * `list_lock` too, so that an address can be attributed to a module in any context; a removed module's memory is
 * freed only after every CPU has been through a rendezvous.
 */
#include "core/lock.h"
#include "core/module_private.h"
#include "core/slot.h"
#include "core/thread.h"
#include <moult/text.h>
#include <string.h>

struct module_list modules = TAILQ_HEAD_INITIALIZER(modules);

static struct mutex registry = MUTEX_INITIALISER(registry);
static struct spinlock list_lock;

/* Debuggers break here; kept as calls of their own. */
__attribute__((noinline)) void debugger_module_loaded(const struct module *module)
{
    __asm__ volatile("" ::"r"(module) : "memory");
}

__attribute__((noinline)) void debugger_module_unloaded(const struct module *module)
{
    __asm__ volatile("" ::"r"(module) : "memory");
}

void modules_lock(void)
{
    mutex_lock(&registry);
}

void modules_unlock(void)
{
    mutex_unlock(&registry);
}

struct module *module_find(const char *name)
{
    struct module *module;
    TAILQ_FOREACH(module, &modules, link) {
        if (strcmp(module->name, name) == 0)
            return module;
    }
    return NULL;
}

struct module *module_at(uintptr_t address)
{
    struct module *module;
    if (address < MODULES_BASE || address - MODULES_BASE >= MODULES_SIZE)
        return NULL;
    TAILQ_FOREACH(module, &modules, link) {
        if (address - (uintptr_t)module->base < module->pages * PAGE_SIZE)
            return module;
    }
    return NULL;
}

void module_get(struct module *module)
{
    __atomic_add_fetch(&module->users, 1, __ATOMIC_SEQ_CST);
}

void module_put(struct module *module)
{
    __atomic_sub_fetch(&module->users, 1, __ATOMIC_SEQ_CST);
}

struct module *module_hold_text(uintptr_t address)
{
    struct module *module;
    unsigned long flags;
    if (address < MODULES_BASE || address - MODULES_BASE >= MODULES_SIZE)
        return NULL;
    flags = spin_lock_save(&list_lock);
    module = module_at(address);
    if (module)
        module_get(module);
    spin_unlock_restore(&list_lock, flags);
    return module;
}

/* Calls a constructor or destructor; a gap in their array is 0. */
static void call_entry(uintptr_t entry)
{
    if (entry)
        ((void (*)(void))entry)();
}

static int insert(const char *name, struct module **inserted, struct failure *why)
{
    char file[MODULE_NAME_BYTES + 2];
    const void *object;
    size_t bytes, init_count;
    const uintptr_t *init;
    unsigned long flags;
    int result;
    if (module_find(name))
        return fail(why, -EEXIST, "module '%s' is in the kernel already; `rmmod %s` takes it out", name, name);
    if (text_format(file, sizeof(file), "%s.o", name) >= sizeof(file) || !archive_find(file, &object, &bytes))
        return fail(why, -ENOENT, "there is no module '%s' in the boot archive; `modules` lists those there are", name);
    result = module_link(name, object, bytes, inserted, &init, &init_count, why);
    if (result != 0)
        return result;
    flags = spin_lock_save(&list_lock);
    TAILQ_INSERT_TAIL(&modules, *inserted, link);
    spin_unlock_restore(&list_lock, flags);
    debugger_module_loaded(*inserted);
    for (size_t i = 0; i < init_count; i++)
        call_entry(init[i]);
    return 0;
}

int module_insert(const char *name, struct module **inserted, struct failure *why)
{
    int result;
    mutex_lock(&registry);
    result = insert(name, inserted, why);
    mutex_unlock(&registry);
    return result;
}

/* Who keeps the module, for people. */
static int busy(const struct module *module, struct failure *why)
{
    const struct module *other;
    for (unsigned i = 0; slot_at(i); i++)
        if (slot_at(i)->occupant && slot_at(i)->occupant->module == module)
            return fail(why, -EBUSY, "it is the occupant of slot '%s'; swap in another one first", slot_at(i)->name);
    TAILQ_FOREACH(other, &modules, link) {
        for (size_t i = 0; i < other->needs_count; i++)
            if (other->needs[i] == module)
                return fail(why, -EBUSY, "module '%s' needs it; remove that one first", other->name);
    }
    if (module->users == 1)
        return fail(why, -EBUSY, "a thread runs its text; end it first");
    return fail(why, -EBUSY, "%u threads run its text; end them first", module->users);
}

/* Takes a module out of the list if nobody uses it. Registry held. */
static bool unlink_unused(struct module *module)
{
    unsigned long flags = spin_lock_save(&list_lock);
    bool unused = module->users == 0;
    if (unused)
        TAILQ_REMOVE(&modules, module, link);
    spin_unlock_restore(&list_lock, flags);
    return unused;
}

static void dispose(struct module *module)
{
    for (size_t i = module->fini_count; i-- > 0;)
        call_entry(module->fini[i]);
    debugger_module_unloaded(module);
    module_free(module);
}

int module_remove(const char *name, struct failure *why)
{
    struct module *module;
    int result = 0;
    mutex_lock(&registry);
    module = module_find(name);
    if (!module)
        result = fail(why, -ENOENT, "there is no module '%s' in the kernel; `modules` lists those there are", name);
    else if (!unlink_unused(module))
        result = busy(module, why);
    else
        dispose(module);
    mutex_unlock(&registry);
    return result;
}

void module_retire(struct module *module)
{
    mutex_lock(&registry);
    if (module->automatic && unlink_unused(module))
        dispose(module);
    mutex_unlock(&registry);
}
