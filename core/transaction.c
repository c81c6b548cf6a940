/*
 * transaction.c - the steps of a swap, over one slot or several.
 *
 * LOAD and PREPARE happen with the machine running. QUIESCE is a rendezvous, in which INSTALL leads the call sites to
 * the dispatchers. TRANSFER moves the state in batches, the machine running. In a second rendezvous everything is
 * verified, and COMMIT leads the call sites to the new policies. Until then any failure goes the same way back.
 * Slots that have no batches hand over in the second rendezvous.
 */
#include "core/transaction.h"
#include "core/candidate.h"
#include "core/contain.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/rendezvous.h"
#include "core/shadow.h"
#include "core/slot.h"
#include "core/time.h"
#include <moult/text.h>
#include <string.h>

#define PREPARE_TRIES 100
#define PREPARE_PAUSE 1000000 /* nanoseconds between two tries */

const char *const swap_step_names[SWAP_STEP_COUNT] = {
#define X(constant, name) [SWAP_##constant] = #name,
    SWAP_STEPS(X)
#undef X
};

#define FOR_PARTS(part, swap) for (struct part *part = (swap)->parts; part < (swap)->parts + (swap)->count; part++)

static bool in_batches(const struct part *part)
{
    return part->slot->type->step;
}

/* Ends a step's time, and fails on purpose if this is the step to fail at. */
static int step_done(struct transaction *swap, enum swap_step step, int result)
{
    uint64_t now = arch_clock();
    swap->report->cycles[step] += now - swap->step_began;
    swap->step_began = now;
    if (result == 0 && swap->request->fail_at == step)
        return fail(swap->why, -EPROTO, "failed on purpose in %s", swap_step_names[step]);
    return result;
}

static void note_blackout(struct transaction *swap, uint64_t cycles)
{
    if (cycles > swap->report->blackout)
        swap->report->blackout = cycles;
}

static void hold_all(struct transaction *swap, void (*work)(void *))
{
    note_blackout(swap, rendezvous(work, swap));
}

static int check_budget(const struct transaction *swap)
{
    if (swap->request->budget == 0 || swap->report->blackout <= swap->request->budget)
        return 0;
    return fail(swap->why, -ETIMEDOUT, "the blackout was %lu cycles, over the budget of %lu", swap->report->blackout,
                swap->request->budget);
}

static int identify_part(struct transaction *swap, struct part *part, const char *slot_name, const char *policy_name)
{
    part->slot = slot_find(slot_name);
    if (!part->slot)
        return fail(swap->why, -ENOENT, "there is no slot '%s'; `slots` lists those there are", slot_name);
    for (const struct part *other = swap->parts; other < part; other++)
        if (other->slot == part->slot)
            return fail(swap->why, -EINVAL, "slot '%s' is named twice", slot_name);
    part->from = part->slot->occupant;
    if (!policy_name)
        return 0;
    if (strnlen(policy_name, MODULE_NAME_BYTES) == MODULE_NAME_BYTES)
        return fail(swap->why, -ENOENT, "there is no module of so long a name; `modules` lists those there are");
    if (strcmp(part->from->name, policy_name) == 0)
        return fail(swap->why, -EALREADY, "%s is the occupant of slot '%s' already; nothing was done", policy_name,
                    slot_name);
    return 0;
}

static int identify(struct transaction *swap)
{
    const struct swap_request *request = swap->request;
    int result = 0;
    for (unsigned i = 0; i < request->count && result == 0; i++) {
        swap->count = i + 1;
        result = identify_part(swap, &swap->parts[i], request->parts[i].slot, request->parts[i].policy);
    }
    return result;
}

static int load(struct transaction *swap)
{
    int result = 0;
    for (unsigned i = 0; i < swap->count && result == 0; i++) {
        struct part *part = &swap->parts[i];
        part->before = part->slot->state;
        part->slot->state = SLOT_SWAPPING;
        result = candidate_get(part->slot, swap->request->parts[i].policy, &part->to, swap->why);
    }
    return result;
}

static int prepare_part(struct transaction *swap, struct part *part)
{
    const struct slot_type *type = part->slot->type;
    int result = type->prepare ? -EAGAIN : 0;
    for (unsigned tries = 0; tries < PREPARE_TRIES && result == -EAGAIN; tries++) {
        if (tries > 0)
            thread_sleep(PREPARE_PAUSE);
        result = type->prepare(part->from);
    }
    part->prepared = result == 0;
    if (result == -EAGAIN)
        return fail(swap->why, -ETIMEDOUT, "%s was asked %u times and cannot hand over", part->from->name,
                    PREPARE_TRIES);
    return result == 0
               ? 0
               : fail(swap->why, result, "%s refuses to hand over: %s", part->from->name, error_sentence(result));
}

static int prepare(struct transaction *swap)
{
    int result = 0;
    for (unsigned i = 0; i < swap->count && result == 0; i++)
        result = prepare_part(swap, &swap->parts[i]);
    return result;
}

static void begin_part(struct part *part, struct policy *from, struct policy *to)
{
    const struct slot_type *type = part->slot->type;
    if (!in_batches(part))
        return;
    part->slot->candidate = part->to;
    type->begin(from, to);
    slot_sites_patch(part->slot, type->dispatcher ? type->dispatcher : to->ops);
}

static void install_held(void *argument)
{
    struct transaction *swap = argument;
    swap->result = step_done(swap, SWAP_QUIESCE, 0);
    if (swap->result != 0)
        return;
    FOR_PARTS(part, swap)
    begin_part(part, part->from, part->to);
}

/*
 * The swapper comes before every other thread: after a tick's worth of work, which is at `due`, it lets them have as
 * much. Returns when the next rest is due.
 */
static uint64_t rest_if_due(uint64_t due)
{
    if (arch_clock() <= due)
        return due;
    thread_sleep(time_nanoseconds(sched_tick_cycles));
    return arch_clock() + sched_tick_cycles;
}

/* Moves everything that is left from one policy to the other, in batches. */
static int transfer_part(struct transaction *swap, struct part *part, bool fail_half_way)
{
    struct slot_progress progress = {.longest = 0};
    uint64_t rest = arch_clock() + sched_tick_cycles;
    int more = 1, result = 0;
    while (more == 1 && result == 0) {
        more = part->slot->type->step(&progress);
        note_blackout(swap, progress.longest);
        rest = rest_if_due(rest);
        if (fail_half_way && progress.moved >= threads_count() / 2)
            result = fail(swap->why, -EPROTO, "failed on purpose in transfer, after %lu %s", progress.moved,
                          part->slot->type->moves);
    }
    part->moved = progress.moved;
    return result;
}

static int transfer(struct transaction *swap)
{
    int result = 0;
    for (unsigned i = 0; i < swap->count && result == 0; i++)
        if (in_batches(&swap->parts[i]))
            result = transfer_part(swap, &swap->parts[i], swap->request->fail_at == SWAP_TRANSFER);
    return result == 0 ? check_budget(swap) : result;
}

/* Fills `policy` from the core's tables. */
static int rebuild(struct slot *slot, struct policy *policy, uint64_t *rebuilt)
{
    int result = slot->type->renew(policy);
    return result == 0 ? slot->type->rebuild(policy, rebuilt) : result;
}

static void note_death(struct slot *slot, const struct policy *policy, const char *reason)
{
    memcpy(slot->died, policy->name, sizeof(slot->died));
    text_format(slot->reason, sizeof(slot->reason), "%s", reason);
}

/*
 * Verifies a hand-over in batches. If the policy that gives away has broken its contract, the one that receives is
 * filled from the core's tables and the way goes on; if the receiver has, the hand-over has failed.
 */
static int finish_part(struct transaction *swap, struct part *part, struct policy *receiver)
{
    struct policy *culprit;
    uint64_t rebuilt;
    bool *failed;
    int result = part->slot->type->finish(&culprit, swap->why);
    if (result == 0)
        return 0;
    failed = culprit == part->from ? &part->from_failed : &part->to_failed;
    if (!*failed) /* the first reason is the one to tell: what follows may follow from it */
        note_death(part->slot, culprit, swap->why->sentence);
    *failed = true;
    if (culprit != receiver)
        return rebuild(part->slot, receiver, &rebuilt);
    return fail(swap->why, result, "%s: %s", culprit->name, part->slot->reason);
}

static void settle(const struct part *part, struct policy *policy)
{
    struct slot *slot = part->slot;
    slot->type->install(policy);
    slot->occupant = policy;
    slot->candidate = NULL;
    slot_sites_patch(slot, policy->ops);
}

/* Hands over, at once, the slots that have no batches. */
static int transfer_at_once(struct transaction *swap)
{
    int result = 0;
    FOR_PARTS(part, swap)
    {
        const struct slot_type *type = part->slot->type;
        if (in_batches(part) || result != 0)
            continue;
        if (type->transfer)
            result = type->transfer(part->from, part->to, &part->moved, swap->why);
        part->handed = result == 0;
    }
    return result;
}

/* One of several slots could not hand over: those before it get back what they gave. */
static void return_at_once(struct transaction *swap)
{
    struct failure ignored;
    uint64_t moved;
    FOR_PARTS(part, swap)
    {
        const struct slot_type *type = part->slot->type;
        if (part->handed && type->transfer && type->transfer(part->to, part->from, &moved, &ignored) != 0) {
            rebuild(part->slot, part->from, &moved);
        }
        part->handed = false;
    }
}

static void commit_held(void *argument)
{
    struct transaction *swap = argument;
    int result = 0;
    FOR_PARTS(part, swap)
    if (result == 0 && in_batches(part))
        result = finish_part(swap, part, part->to);
    if (result == 0)
        result = transfer_at_once(swap);
    swap->result = result;
    if (result != 0) {
        return_at_once(swap);
        return;
    }
    FOR_PARTS(part, swap)
    settle(part, part->to);
}

static void turn_back_held(void *argument)
{
    struct transaction *swap = argument;
    FOR_PARTS(part, swap)
    begin_part(part, part->to, part->from);
}

/* The old policy has everything again; if it has failed as well, the fallback has. */
static struct policy *restore_part(struct transaction *swap, struct part *part)
{
    struct policy *fallback = &part->slot->fallback;
    uint64_t rebuilt;
    if (finish_part(swap, part, part->from) == 0)
        return part->from;
    if (!part->from_failed && rebuild(part->slot, part->from, &rebuilt) == 0)
        return part->from;
    fallback->side = part->from->side;
    if (rebuild(part->slot, fallback, &rebuilt) != 0)
        panic("the built-in policy of slot %s: %s", part->slot->name, contain_reason());
    return fallback;
}

static void restore_held(void *argument)
{
    struct transaction *swap = argument;
    FOR_PARTS(part, swap)
    if (in_batches(part))
        settle(part, restore_part(swap, part));
}

/* The same hand-over backwards. What was wrong is in `why` already. */
static void undo(struct transaction *swap)
{
    struct failure why = *swap->why;
    hold_all(swap, turn_back_held);
    FOR_PARTS(part, swap)
    if (in_batches(part))
        transfer_part(swap, part, false);
    hold_all(swap, restore_held);
    *swap->why = why;
}

static int hand_over(struct transaction *swap)
{
    int result;
    hold_all(swap, install_held);
    if (swap->result != 0)
        return swap->result;
    result = step_done(swap, SWAP_INSTALL, 0);
    if (result == 0)
        result = step_done(swap, SWAP_TRANSFER, transfer(swap));
    if (result == 0) {
        hold_all(swap, commit_held);
        result = step_done(swap, SWAP_COMMIT, swap->result);
    }
    if (result != 0)
        undo(swap);
    return result;
}

/* The transaction will not happen: every old policy goes on, and the candidates go. */
static void cancel(struct transaction *swap)
{
    FOR_PARTS(part, swap)
    {
        if (part->prepared && part->slot->type->carry_on)
            part->slot->type->carry_on(part->from);
        if (part->to)
            candidate_give_up(part->slot, part->to);
        if (part->from_failed || part->to_failed)
            log_line("slot %s: %s died: %s; %s has its place", part->slot->name, part->slot->died, part->slot->reason,
                     part->slot->occupant->name);
        if (part->slot->occupant != part->from)
            candidate_give_up(part->slot, part->from);
        if (part->slot->state == SLOT_SWAPPING)
            part->slot->state = part->before;
    }
}

/*
 * The old policy stands by, empty, until the probation of the new one is over. One that stood by before is given up:
 * to swap again is to accept the occupant.
 */
static void begin_probation(struct transaction *swap, const struct part *part)
{
    struct slot *slot = part->slot;
    struct policy *standby = slot->standby;
    bool sound = !part->from_failed && slot->type->renew(part->from) == 0;
    slot->standby = sound ? part->from : NULL;
    if (standby && standby != part->to)
        candidate_give_up(slot, standby);
    if (!sound) {
        log_line("slot %s: %s died: %s; %s was filled from the core's tables", slot->name, part->from->name,
                 slot->reason, part->to->name);
        candidate_give_up(slot, part->from);
    }
    slot->keep = swap->request->keep;
    slot->transaction = swap->number;
    slot->probation_end = time_deadline(swap->request->probation * 1000000);
    slot->state = SLOT_PROBATION;
    slot->swaps++;
    memcpy(slot->previous, part->from->name, sizeof(slot->previous));
}

/* The slot has another occupant. */
static void tidy(const struct slot *slot)
{
    if (slot->type->tidy)
        slot->type->tidy();
}

static void report_parts(struct transaction *swap)
{
    struct swap_report *report = swap->report;
    report->count = swap->count;
    for (unsigned i = 0; i < swap->count; i++) {
        memcpy(report->parts[i].slot, swap->parts[i].slot->name, strlen(swap->parts[i].slot->name) + 1);
        memcpy(report->parts[i].from, swap->parts[i].from->name, MODULE_NAME_BYTES);
        memcpy(report->parts[i].to, swap->parts[i].to->name, MODULE_NAME_BYTES);
        report->parts[i].moved = swap->parts[i].moved;
        report->parts[i].moves = swap->parts[i].slot->type->moves;
    }
}

static int run(struct transaction *swap)
{
    static uint64_t last_number;
    int result = identify(swap);
    if (result != 0)
        return result;
    swap->number = ++last_number;
    swap->step_began = arch_clock();
    result = step_done(swap, SWAP_LOAD, load(swap));
    if (result == 0)
        result = step_done(swap, SWAP_PREPARE, prepare(swap));
    if (result == 0)
        result = hand_over(swap);
    if (result != 0) {
        cancel(swap);
        return result;
    }
    report_parts(swap);
    FOR_PARTS(part, swap)
    {
        log_quietly("slot %s: %s replaced %s", part->slot->name, part->to->name, part->from->name);
        begin_probation(swap, part);
        tidy(part->slot);
    }
    return 0;
}

int transaction_run(struct transaction *swap)
{
    int result;
    fault_begin(swap->request->fail_memory);
    result = run(swap);
    fault_end();
    return result;
}

/* A rescue under way. */
struct rescue {
    struct slot *slot;
    struct policy *policy;
    struct policy *shadow; /* of the slot, if there was one: it ends */
    uint64_t rebuilt;
};

static void rescue_held(void *argument)
{
    struct rescue *rescue = argument;
    struct slot *slot = rescue->slot;
    struct policy *fallback = &slot->fallback;
    rescue->shadow = shadow_drop(slot);
    if (rebuild(slot, rescue->policy, &rescue->rebuilt) != 0) {
        fallback->side = rescue->policy->side;
        rescue->policy = fallback;
        if (rebuild(slot, fallback, &rescue->rebuilt) != 0)
            panic("the built-in policy of slot %s: %s", slot->name, contain_reason());
    }
    slot->type->install(rescue->policy);
    slot->occupant = rescue->policy;
    slot_sites_patch(slot, slot->occupant->ops);
}

static void catch_up(const struct slot *slot)
{
    struct slot_progress progress = {.longest = 0};
    uint64_t rest = arch_clock() + sched_tick_cycles;
    while (slot->type->catch_up && slot->type->catch_up(&progress) == 1)
        rest = rest_if_due(rest);
}

uint64_t transaction_rescue(struct slot *slot, const char *reason)
{
    struct policy *failed = slot->occupant, *standby = slot->standby;
    struct rescue rescue = {.slot = slot, .policy = standby ? standby : &slot->fallback};
    rescue.policy->side = !failed->side;
    note_death(slot, failed, reason);
    rendezvous(rescue_held, &rescue);
    catch_up(slot);
    slot->standby = NULL;
    memcpy(slot->previous, failed->name, sizeof(slot->previous));
    slot->swaps++;
    slot->state = SLOT_ACTIVE;
    candidate_give_up(slot, failed);
    if (standby && standby != slot->occupant)
        candidate_give_up(slot, standby);
    if (rescue.shadow && rescue.shadow != standby)
        candidate_give_up(slot, rescue.shadow);
    tidy(slot);
    return rescue.rebuilt;
}
