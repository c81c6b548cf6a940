/*
 * module.c - the registry of modules: insertion, removal, who uses what.
 *
 * Insertions and removals go one at a time under a mutex. Links of the list and counts of users change under
 * `list_lock` too, so that an address can be attributed to a module in any context; a removed module's memory is
 * freed only after every CPU has been through a rendezvous.
 */
#include "core/audit.h"
#include "core/lock.h"
#include "core/module_private.h"
#include "core/module_run.h"
#include "core/slot.h"
#include "core/thread.h"
#include "core/trust.h"
#include <moult/text.h>
#include <string.h>

struct module_list modules = TAILQ_HEAD_INITIALIZER(modules);

static struct mutex registry = MUTEX_INITIALISER(registry);
static struct spinlock list_lock;

/* Modules that have left: their addresses are not used again for as long (core/vm.c). */
#define PINNED_TRIES 50
#define PINNED_PAUSE 2000000 /* nanoseconds between two of them */
#define GONE_COUNT 64
static struct {
    uintptr_t base;
    size_t bytes;
    char name[MODULE_NAME_BYTES];
} gone[GONE_COUNT];
static unsigned gone_next;

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

/* Takes a module out of the list if nobody uses it and nothing points into it. Registry held. */
static bool unlink_unused(struct module *module)
{
    unsigned long flags;
    bool unused;
    module->pinned[0] = 0;
    if (module->users || audit_finds(module, module->pinned, sizeof(module->pinned)))
        return false;
    flags = spin_lock_save(&list_lock);
    unused = module->users == 0;
    if (unused)
        TAILQ_REMOVE(&modules, module, link);
    spin_unlock_restore(&list_lock, flags);
    return unused;
}

/*
 * The same, with patience for a word that was left over on some stack or in a register that was saved: it goes as soon
 * as that thread gets on. Registry held.
 */
static bool unlink_soon(struct module *module)
{
    for (int tries = 0; tries < PINNED_TRIES && module->users == 0; tries++) {
        if (unlink_unused(module))
            return true;
        thread_sleep(PINNED_PAUSE);
    }
    return false;
}

static void note_gone(const struct module *module)
{
    gone[gone_next].base = (uintptr_t)module->base;
    gone[gone_next].bytes = module->pages * PAGE_SIZE;
    memcpy(gone[gone_next].name, module->name, sizeof(module->name));
    gone_next = (gone_next + 1) % GONE_COUNT;
}

/* A constructor has failed, as `why` says. What the module has left behind may keep it in. */
static int give_up(struct module *module, struct failure *why)
{
    static struct failure fault; /* large for a stack; the registry is held */
    fault = *why;
    module->fini_count = 0; /* what was not constructed is not destructed */
    module->automatic = true;
    if (unlink_soon(module)) {
        debugger_module_unloaded(module);
        fail(why, -EPROTO, "its constructor died: %s", fault.sentence);
        note_gone(module);
        module_free(module);
        return -EPROTO;
    }
    return fail(why, -EPROTO, "its constructor died: %s; '%s' is still used, and `rmmod` takes it out when it is not",
                fault.sentence, module->name);
}

static int insert(const char *name, const struct module_setting *settings, size_t settings_count,
                  struct module **inserted, struct failure *why)
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
    result = trust_check(file, object, &bytes, why);
    if (result != 0)
        return result;
    result = module_link(name, object, bytes, inserted, &init, &init_count, why);
    if (result != 0)
        return result;
    result = module_set_parameters(*inserted, settings, settings_count, why);
    if (result != 0) {
        module_free(*inserted);
        return result;
    }
    flags = spin_lock_save(&list_lock);
    TAILQ_INSERT_TAIL(&modules, *inserted, link);
    spin_unlock_restore(&list_lock, flags);
    debugger_module_loaded(*inserted);
    result = module_run(init, init_count, why);
    return result == 0 ? 0 : give_up(*inserted, why);
}

int module_insert(const char *name, const struct module_setting *settings, size_t settings_count,
                  struct module **inserted, struct failure *why)
{
    int result;
    mutex_lock(&registry);
    result = insert(name, settings, settings_count, inserted, why);
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
    for (unsigned i = 0; slot_at(i); i++)
        if (slot_at(i)->shadow && slot_at(i)->shadow->module == module)
            return fail(why, -EBUSY, "it is in the shadow of slot '%s'; `shadow %s --end` ends that", slot_at(i)->name,
                        slot_at(i)->name);
    for (unsigned i = 0; slot_at(i); i++)
        if (slot_at(i)->standby && slot_at(i)->standby->module == module)
            return fail(why, -EBUSY, "it stands by for slot '%s'; try again when the probation there is over, or swap",
                        slot_at(i)->name);
    TAILQ_FOREACH(other, &modules, link) {
        for (size_t i = 0; i < other->needs_count; i++)
            if (other->needs[i] == module)
                return fail(why, -EBUSY, "module '%s' needs it; remove that one first", other->name);
    }
    if (module->users == 0)
        return fail(why, -EBUSY, "it is pinned by %s, which points into it; try again later", module->pinned);
    if (module->users == 1)
        return fail(why, -EBUSY, "a thread runs its text; end it first");
    return fail(why, -EBUSY, "%u threads run its text; end them first", module->users);
}

const char *module_gone_from(uintptr_t address)
{
    for (unsigned i = 0; i < GONE_COUNT; i++)
        if (address - gone[i].base < gone[i].bytes)
            return gone[i].name;
    return NULL;
}

/* The last one first; after one that fails no other is called. */
static void destruct(const struct module *module)
{
    static struct failure why; /* large for a stack that a destructor is to run on; the registry is held */
    int result = 0;
    for (size_t i = module->fini_count; i-- > 0 && result == 0;)
        result = module_run(&module->fini[i], 1, &why);
    if (result != 0)
        log_line("module %s: its destructor died: %s", module->name, why.sentence);
}

static void dispose(struct module *module)
{
    destruct(module);
    debugger_module_unloaded(module);
    note_gone(module);
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
    else if (!unlink_soon(module))
        result = busy(module, why);
    else
        dispose(module);
    mutex_unlock(&registry);
    return result;
}

bool modules_retire(void)
{
    struct module *module, *next;
    if (!semaphore_try(&registry.free))
        return false;
    registry.holder = current_thread();
    for (module = TAILQ_FIRST(&modules); module; module = next) {
        next = TAILQ_NEXT(module, link);
        if (module->automatic && module->users == 0 && unlink_unused(module))
            dispose(module);
    }
    mutex_unlock(&registry);
    return true;
}
