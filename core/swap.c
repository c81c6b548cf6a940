/*
 * swap.c - the swapper: one thread of the core that runs every swap, one at a time, ends probations, and replaces
 * policies that broke their contract.
 */
#include "core/swap.h"
#include "core/candidate.h"
#include "core/log.h"
#include "core/module.h"
#include "core/panic.h"
#include "core/shadow.h"
#include "core/slot.h"
#include "core/slot_call.h"
#include "core/time.h"
#include "core/transaction.h"
#include <moult/text.h>
#include <string.h>

static struct {
    struct spinlock lock;
    TAILQ_HEAD(, transaction) waiting;
    struct semaphore some;
} requests = {.waiting = TAILQ_HEAD_INITIALIZER(requests.waiting), .some = SEMAPHORE_INITIALISER(requests.some, 0)};

/*
 * A policy that broke its contract, one for each slot. `told` goes from 0 to 1 by whoever reports first, and back by
 * the swapper, which looks once it is `ready`.
 */
static struct rescue_request {
    uint32_t told;
    volatile bool ready;
    const struct policy *volatile policy; /* the occupant that did it; NULL: none is to be replaced */
    char what[SLOT_REASON_BYTES];
} rescues[SLOT_KIND_COUNT];
static volatile bool rescue_due; /* the swapper has not heard of one */

void swap_rescue(unsigned kind, const char *what, ...)
{
    struct rescue_request *rescue = &rescues[kind];
    va_list arguments;
    if (slot_at(kind)->candidate) /* the dispatcher knows which of the two it was */
        return;
    if (__atomic_exchange_n(&rescue->told, 1, __ATOMIC_SEQ_CST) != 0)
        return;
    rescue->policy = slot_at(kind)->occupant;
    va_start(arguments, what);
    text_format_list(rescue->what, sizeof(rescue->what), what, arguments);
    va_end(arguments);
    __atomic_store_n(&rescue->ready, true, __ATOMIC_SEQ_CST);
    swap_rescue_note();
}

void swap_rescue_note(void)
{
    __atomic_store_n(&rescue_due, true, __ATOMIC_SEQ_CST);
}

bool swap_rescue_due(unsigned kind, const struct policy *policy)
{
    return rescues[kind].policy == policy;
}

void swap_rescue_poll(void)
{
    if (__builtin_expect(rescue_due, 0) && __atomic_exchange_n(&rescue_due, false, __ATOMIC_SEQ_CST))
        semaphore_up(&requests.some);
}

static void run_rescue(unsigned kind, const struct rescue_request *rescue)
{
    struct slot *slot = slot_at(kind);
    char failed[MODULE_NAME_BYTES];
    uint64_t rebuilt;
    if (slot->occupant != rescue->policy) /* a swap was faster */
        return;
    memcpy(failed, slot->occupant->name, sizeof(failed));
    if (slot->occupant == &slot->fallback && !slot->standby)
        panic("the built-in policy of slot %s: %s", slot->name, rescue->what);
    rebuilt = transaction_rescue(slot, rescue->what);
    log_line("slot %s: %s died: %s; %s has its place, %lu %s rebuilt from the core's tables", slot->name, failed,
             rescue->what, slot->occupant->name, rebuilt, slot->type->moves);
}

static void run_rescues(void)
{
    for (unsigned kind = 0; kind < SLOT_KIND_COUNT; kind++) {
        if (!__atomic_load_n(&rescues[kind].ready, __ATOMIC_ACQUIRE))
            continue;
        run_rescue(kind, &rescues[kind]);
        rescues[kind].ready = false;
        rescues[kind].policy = NULL;
        __atomic_store_n(&rescues[kind].told, 0, __ATOMIC_SEQ_CST);
    }
}

/* Begins a shadow, or ends it. */
static int run_shadow(const struct transaction *swap)
{
    const char *name = swap->request->parts[0].slot;
    struct slot *slot = slot_find(name);
    if (!slot)
        return fail(swap->why, -ENOENT, "there is no slot '%s'; `slots` lists those there are", name);
    if (swap->request->action == SWAP_SHADOW)
        return shadow_begin(slot, swap->request->parts[0].policy, swap->why);
    if (!slot->shadow)
        return fail(swap->why, -ENOENT, "no policy is in the shadow of slot '%s'", name);
    shadow_end(slot, NULL);
    return 0;
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

/* Ends the probations that are over. Returns the cycles until the next one ends; NO_DEADLINE: there is none. */
static uint64_t end_probations(void)
{
    uint64_t now = arch_clock(), next = NO_DEADLINE;
    struct slot *slot;
    for (unsigned i = 0; (slot = slot_at(i)); i++) {
        if (slot->state != SLOT_PROBATION)
            continue;
        if (slot->probation_end <= now)
            candidate_accept(slot);
        else if (slot->probation_end - now < next)
            next = slot->probation_end - now;
    }
    return next;
}

static void wait_for_work(void)
{
    uint64_t cycles = end_probations();
    if (!modules_retire() && cycles > sched_tick_cycles)
        cycles = sched_tick_cycles;
    if (cycles == NO_DEADLINE)
        semaphore_down(&requests.some);
    else
        semaphore_down_for(&requests.some, time_nanoseconds(cycles) + 1);
}

static void swapper_main(void *unused)
{
    (void)unused;
    for (;;) {
        struct transaction *swap;
        wait_for_work();
        run_rescues();
        shadows_end_failed();
        swap = next_request();
        if (!swap)
            continue;
        swap->result = swap->request->action == SWAP_OCCUPY ? transaction_run(swap) : run_shadow(swap);
        semaphore_up(&swap->done);
    }
}

int swap(const struct swap_request *request, struct swap_report *report, struct failure *why)
{
    struct transaction mine = {.request = request, .report = report, .why = why};
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
