/*
 * swap.c - the transaction that replaces the occupant of a slot, run by one thread of the core, one swap at a time.
 *
 * LOAD and PREPARE happen with the machine running. QUIESCE is a rendezvous; within it the call sites are closed
 * (INSTALL), everything is handed over and verified (TRANSFER), and the sites opened to the new policy (COMMIT).
 * Until COMMIT any failure leaves the old policy with everything it had.
 */
#include "core/swap.h"
#include "core/heap.h"
#include "core/log.h"
#include "core/module.h"
#include "core/panic.h"
#include "core/rendezvous.h"
#include "core/slot.h"
#include "core/thread.h"
#include <string.h>

#define PREPARE_TRIES 100
#define PREPARE_PAUSE 1000000 /* nanoseconds between two tries */

const char *const swap_step_names[SWAP_STEP_COUNT] = {
#define X(constant, name) [SWAP_##constant] = #name,
    SWAP_STEPS(X)
#undef X
};

/* One swap under way: the caller's, who waits for `done`. */
struct transaction {
    TAILQ_ENTRY(transaction) link;
    const char *slot_name, *policy_name;
    enum swap_step fail_at;
    struct swap_report *report;
    struct failure *why;
    int result;
    struct semaphore done;
    struct slot *slot;
    struct policy *from, *to;
    uint64_t step_began;
};

static struct {
    struct spinlock lock;
    TAILQ_HEAD(, transaction) waiting;
    struct semaphore some;
} requests = {.waiting = TAILQ_HEAD_INITIALIZER(requests.waiting), .some = SEMAPHORE_INITIALISER(requests.some, 0)};

/* Ends a step's time, and fails on purpose if this is the step to fail at. */
static int step_done(struct transaction *swap, enum swap_step step, int result)
{
    uint64_t now = arch_clock();
    swap->report->cycles[step] = now - swap->step_began;
    swap->step_began = now;
    if (result == 0 && swap->fail_at == step)
        return fail(swap->why, -EPROTO, "failed on purpose in %s", swap_step_names[step]);
    return result;
}

static const void *find_ops(const struct transaction *swap, const struct module *module)
{
    for (size_t i = 0; i < module->slots_count; i++)
        if (strcmp(module->slots[i].slot, swap->slot->type->name) == 0)
            return module->slots[i].ops;
    return NULL;
}

/* The module, in use by this swap from now on; loaded if it is not in. */
static int hold_module(struct transaction *swap, struct module **held)
{
    int result;
    modules_lock();
    *held = module_find(swap->policy_name);
    if (*held)
        module_get(*held);
    modules_unlock();
    if (*held)
        return 0;
    result = module_insert(swap->policy_name, held, swap->why);
    if (result == 0) {
        module_get(*held);
        (*held)->automatic = true;
    }
    return result;
}

static void drop_module(struct module *module)
{
    if (!module)
        return;
    module_put(module);
    module_retire(module);
}

static int fill_candidate(struct transaction *swap, struct policy *candidate)
{
    struct module *module;
    int result = hold_module(swap, &module);
    if (result != 0)
        return result;
    candidate->module = module;
    candidate->ops = find_ops(swap, module);
    if (!candidate->ops)
        return fail(swap->why, -EINVAL, "module '%s' has no policy for slot '%s'; `modinfo %s` lists what it offers",
                    module->name, swap->slot->name, module->name);
    result = swap->slot->type->validate(candidate->ops, swap->why);
    return result == 0 ? swap->slot->type->reserve(candidate, swap->why) : result;
}

static void free_policy(struct slot *slot, struct policy *policy)
{
    if (policy == &slot->fallback)
        return;
    if (policy->memory)
        slot->type->release(policy);
    drop_module(policy->module);
    heap_free(policy);
}

static int load(struct transaction *swap)
{
    struct policy *candidate;
    if (strcmp(swap->policy_name, swap->slot->fallback.name) == 0) {
        swap->to = slot_fallback(swap->slot);
        return 0;
    }
    candidate = heap_alloc_zeroed(1, sizeof(*candidate));
    if (!candidate)
        return fail(swap->why, -ENOMEM, "there is no memory for the transaction");
    swap->to = candidate;
    candidate->side = !swap->from->side;
    memcpy(candidate->name, swap->policy_name, strnlen(swap->policy_name, sizeof(candidate->name) - 1));
    return fill_candidate(swap, candidate);
}

static int prepare(struct transaction *swap)
{
    int result = -EAGAIN;
    for (unsigned tries = 0; tries < PREPARE_TRIES && result == -EAGAIN; tries++) {
        if (tries > 0)
            thread_sleep(PREPARE_PAUSE);
        result = swap->slot->type->prepare(swap->from);
    }
    if (result == -EAGAIN)
        return fail(swap->why, -ETIMEDOUT, "%s was asked %u times and cannot hand over", swap->from->name,
                    PREPARE_TRIES);
    return result == 0
               ? 0
               : fail(swap->why, result, "%s refuses to hand over: %s", swap->from->name, error_sentence(result));
}

/* What happens while all CPUs are held. */
static void held(void *argument)
{
    struct transaction *swap = argument;
    struct slot *slot = swap->slot;
    int result = step_done(swap, SWAP_QUIESCE, 0);
    if (result == 0) {
        slot_sites_patch(slot, NULL);
        result = step_done(swap, SWAP_INSTALL, 0);
    }
    if (result == 0) {
        result = slot->type->transfer(swap->from, swap->to, &swap->report->threads, swap->fail_at == SWAP_TRANSFER,
                                      swap->why);
        result = step_done(swap, SWAP_TRANSFER, result);
    }
    if (result == 0) {
        slot->type->install(swap->to);
        slot->occupant = swap->to;
        memcpy(slot->previous, swap->from->name, sizeof(slot->previous));
        slot->swaps++;
    }
    slot_sites_patch(slot, slot->occupant->ops);
    step_done(swap, SWAP_COMMIT, result);
    swap->result = result;
}

static int identify(struct transaction *swap)
{
    swap->slot = slot_find(swap->slot_name);
    if (!swap->slot)
        return fail(swap->why, -ENOENT, "there is no slot '%s'; `slots` lists those there are", swap->slot_name);
    swap->from = swap->slot->occupant;
    if (strnlen(swap->policy_name, MODULE_NAME_BYTES) == MODULE_NAME_BYTES)
        return fail(swap->why, -ENOENT, "there is no module of so long a name; `modules` lists those there are");
    if (strcmp(swap->from->name, swap->policy_name) == 0)
        return fail(swap->why, -EALREADY, "%s is the occupant of slot '%s' already; nothing was done",
                    swap->policy_name, swap->slot_name);
    return 0;
}

static int run(struct transaction *swap)
{
    bool prepared = false;
    int result = identify(swap);
    if (result != 0)
        return result;
    swap->slot->state = SLOT_SWAPPING;
    swap->step_began = arch_clock();
    result = step_done(swap, SWAP_LOAD, load(swap));
    if (result == 0) {
        result = step_done(swap, SWAP_PREPARE, prepare(swap));
        prepared = true;
    }
    if (result == 0) {
        rendezvous(held, swap);
        result = swap->result;
    }
    swap->slot->state = SLOT_ACTIVE;
    if (result != 0) {
        if (prepared)
            swap->slot->type->carry_on(swap->from);
        if (swap->to)
            free_policy(swap->slot, swap->to);
        return result;
    }
    memcpy(swap->report->slot, swap->slot->name, strlen(swap->slot->name) + 1);
    memcpy(swap->report->from, swap->from->name, MODULE_NAME_BYTES);
    memcpy(swap->report->to, swap->to->name, MODULE_NAME_BYTES);
    for (unsigned step = SWAP_QUIESCE; step < SWAP_STEP_COUNT; step++)
        swap->report->blackout += swap->report->cycles[step];
    free_policy(swap->slot, swap->from);
    log_quietly("slot %s: %s replaced %s, %lu threads handed over", swap->slot->name, swap->report->to,
                swap->report->from, swap->report->threads);
    return 0;
}

/* A policy that broke its contract. `reported` goes from 0 to 1 by whoever reports first, and back by the swapper. */
static struct {
    uint32_t reported;
    volatile bool due;
    unsigned kind;
    const char *what;
    uintptr_t value;
    uint64_t threads; /* rebuilt */
} rescue;

void swap_rescue(unsigned kind, const char *what, uintptr_t value)
{
    if (__atomic_exchange_n(&rescue.reported, 1, __ATOMIC_SEQ_CST) != 0)
        return;
    rescue.kind = kind;
    rescue.what = what;
    rescue.value = value;
    __atomic_store_n(&rescue.due, true, __ATOMIC_RELEASE);
}

void swap_rescue_poll(void)
{
    if (__builtin_expect(rescue.due, 0) && __atomic_exchange_n(&rescue.due, false, __ATOMIC_SEQ_CST))
        semaphore_up(&requests.some);
}

static void rescue_held(void *argument)
{
    struct slot *slot = argument;
    struct policy *fallback = slot_fallback(slot);
    slot->type->rebuild(fallback, &rescue.threads);
    slot->type->install(fallback);
    memcpy(slot->previous, slot->occupant->name, sizeof(slot->previous));
    slot->occupant = fallback;
    slot->swaps++;
    slot_sites_patch(slot, slot->occupant->ops);
}

static void run_rescue(void)
{
    struct slot *slot = slot_at(rescue.kind);
    struct policy *failed = slot->occupant;
    if (failed == &slot->fallback)
        panic("the built-in policy of slot %s %s (%#lx)", slot->name, rescue.what, rescue.value);
    rendezvous(rescue_held, slot);
    log_line("slot %s: %s %s (%#lx); %s has its place, %lu threads rebuilt from the core's tables", slot->name,
             failed->name, rescue.what, rescue.value, slot->occupant->name, rescue.threads);
    free_policy(slot, failed);
    __atomic_store_n(&rescue.reported, 0, __ATOMIC_SEQ_CST);
}

static struct transaction *next_request(void)
{
    unsigned long flags = spin_lock_save(&requests.lock);
    struct transaction *swap = TAILQ_FIRST(&requests.waiting);
    if (swap)
        TAILQ_REMOVE(&requests.waiting, swap, link);
    spin_unlock_restore(&requests.lock, flags);
    return swap;
}

static void swapper_main(void *unused)
{
    (void)unused;
    for (;;) {
        struct transaction *swap;
        semaphore_down(&requests.some);
        if (rescue.reported && !rescue.due)
            run_rescue();
        swap = next_request();
        if (!swap)
            continue;
        swap->result = run(swap);
        semaphore_up(&swap->done);
    }
}

int swap(const char *slot, const char *name, enum swap_step fail_at, struct swap_report *report, struct failure *why)
{
    struct transaction mine = {
        .slot_name = slot, .policy_name = name, .fail_at = fail_at, .report = report, .why = why};
    unsigned long flags;
    memset(report, 0, sizeof(*report));
    semaphore_init(&mine.done, 0);
    flags = spin_lock_save(&requests.lock);
    TAILQ_INSERT_TAIL(&requests.waiting, &mine, link);
    spin_unlock_restore(&requests.lock, flags);
    semaphore_up(&requests.some);
    semaphore_down_uninterrupted(&mine.done);
    return mine.result;
}

void swap_init(void)
{
    if (thread_create_core("swapper", true, swapper_main, NULL) < 0)
        panic("there is no memory for the swapper: give the machine more");
}
