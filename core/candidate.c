/*
 * candidate.c - how a policy comes to its slot and leaves it: its module, its memory, and the one that stands by.
 */
#include "core/candidate.h"
#include "core/heap.h"
#include "core/module.h"
#include "core/panic.h"
#include "core/shadow.h"
#include "core/symbols.h"
#include <string.h>

static const void *find_ops(const struct slot *slot, const struct module *module)
{
    for (size_t i = 0; i < module->slots_count; i++)
        if (strcmp(module->slots[i].slot, slot->type->name) == 0)
            return module->slots[i].ops;
    return NULL;
}

/* The module, in use from now on; loaded if it is not in. */
static int hold_module(const char *name, struct module **held, struct failure *why)
{
    int result;
    modules_lock();
    *held = module_find(name);
    if (*held)
        module_get(*held);
    modules_unlock();
    if (*held)
        return 0;
    result = module_insert(name, NULL, 0, held, why);
    if (result == 0) {
        module_get(*held);
        (*held)->automatic = true;
    }
    return result;
}

/* Does every function of the table lie in the module's text, or in the kernel's? */
static int check_functions(const struct slot *slot, const struct policy *candidate, struct failure *why)
{
    for (size_t at = slot->type->functions; at < slot->type->ops_size; at += sizeof(uintptr_t)) {
        uintptr_t function = *(const uintptr_t *)((const uint8_t *)candidate->ops + at);
        const struct module *module = candidate->module;
        if (function && function - (uintptr_t)module->base >= module->text_bytes && !symbol_in_text(function))
            return fail(why, -EINVAL,
                        "its table of functions for slot type '%s' has %#lx at offset %lu, which is no code",
                        slot->type->name, function, at);
    }
    return 0;
}

static int fill(struct slot *slot, const char *name, struct policy *candidate, struct failure *why)
{
    struct module *module;
    int result = hold_module(name, &module, why);
    if (result != 0)
        return result;
    candidate->module = module;
    candidate->ops = find_ops(slot, module);
    if (!candidate->ops)
        return fail(why, -EINVAL, "module '%s' has no policy for slot '%s'; `modinfo %s` lists what it offers",
                    module->name, slot->name, module->name);
    result = slot->type->validate(candidate->ops, why);
    if (result == 0)
        result = check_functions(slot, candidate, why);
    return result == 0 ? slot->type->reserve(candidate, why) : result;
}

static int load(struct slot *slot, const char *name, struct policy **candidate, struct failure *why)
{
    *candidate = heap_alloc_zeroed(1, sizeof(**candidate));
    if (!*candidate)
        return fail(why, -ENOMEM, "there is no memory for the transaction");
    memcpy((*candidate)->name, name, strnlen(name, MODULE_NAME_BYTES - 1));
    (*candidate)->kind = slot->fallback.kind;
    return fill(slot, name, *candidate, why);
}

/* The one that stands by, the fallback, or a module's. */
static int find(struct slot *slot, const char *name, struct policy **candidate, struct failure *why)
{
    if (slot->standby && (!name || strcmp(name, slot->standby->name) == 0)) {
        *candidate = slot->standby;
        return 0;
    }
    ASSERT(name); /* or one stands by */
    if (strcmp(name, slot->fallback.name) != 0)
        return load(slot, name, candidate, why);
    *candidate = &slot->fallback;
    slot->type->renew(&slot->fallback);
    return 0;
}

int candidate_get(struct slot *slot, const char *name, struct policy **candidate, struct failure *why)
{
    int result = 0;
    *candidate = NULL;
    if (!name && !slot->standby)
        return fail(why, -ENOENT, "no policy stands by for slot '%s'; `swap %s MODULE --keep` leaves one", slot->name,
                    slot->name);
    *candidate = shadow_end(slot, name);
    if (!*candidate)
        result = find(slot, name, candidate, why);
    if (*candidate)
        (*candidate)->side = !slot->occupant->side;
    return result;
}

void candidate_give_up(struct slot *slot, struct policy *policy)
{
    if (policy == slot->standby)
        slot->type->renew(policy);
    if (policy == slot->standby || policy == &slot->fallback)
        return;
    if (policy->memory)
        slot->type->release(policy);
    if (policy->module) {
        module_put(policy->module);
        modules_retire();
    }
    heap_free(policy);
}

void candidate_accept(struct slot *slot)
{
    struct policy *standby = slot->standby;
    slot->state = SLOT_ACTIVE;
    if (!standby || slot->keep)
        return;
    slot->standby = NULL;
    if (standby != slot->shadow)
        candidate_give_up(slot, standby);
}
