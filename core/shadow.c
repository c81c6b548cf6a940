/*
 * shadow.c - the shadows of slots: how they begin and end, and what is counted.
 *
 * What the calls lead to meanwhile is the slot type's: core/sched_shadow.c. Concurrency: shadows begin and end by the
 * swapper, in a rendezvous; each CPU counts for itself.
 */
#include "core/shadow.h"
#include "core/candidate.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/rendezvous.h"
#include "core/slot_call.h"
#include "core/swap.h"
#include <arch/cpu.h>
#include <moult/text.h>
#include <moult/thread.h>
#include <string.h>

/* What is known of the shadow of a slot. */
static struct shadow {
    uint32_t failed;    /* 0, or 1 by whoever was the first */
    volatile bool told; /* `reason` is written */
    char reason[SLOT_REASON_BYTES];
    uint32_t differences; /* so far */
    struct shadow_difference last[SHADOW_DIFFERENCES];
    struct shadow_count counts[CPU_MAX];
} shadows[SLOT_KIND_COUNT];

static struct shadow *shadow_of(const struct slot *slot)
{
    return &shadows[slot->fallback.kind];
}

void shadow_note(const struct slot *slot, unsigned decision, uint64_t occupant, uint64_t candidate)
{
    struct shadow *shadow = shadow_of(slot);
    struct shadow_count *count = &shadow->counts[this_cpu()->index];
    uint32_t place;
    count->asked[decision]++;
    if (occupant == candidate)
        return;
    count->differed[decision]++;
    place = __atomic_fetch_add(&shadow->differences, 1, __ATOMIC_RELAXED);
    shadow->last[place % SHADOW_DIFFERENCES] = (struct shadow_difference){.time = clock_nanoseconds(),
                                                                          .cpu = this_cpu()->index,
                                                                          .decision = decision,
                                                                          .occupant = occupant,
                                                                          .candidate = candidate};
}

bool shadow_has_failed(const struct slot *slot)
{
    return __atomic_load_n(&shadow_of(slot)->failed, __ATOMIC_RELAXED);
}

void shadow_failed(const struct slot *slot, const char *what)
{
    struct shadow *shadow = shadow_of(slot);
    if (__atomic_exchange_n(&shadow->failed, 1, __ATOMIC_SEQ_CST) != 0)
        return;
    text_format(shadow->reason, sizeof(shadow->reason), "%s", what);
    __atomic_store_n(&shadow->told, true, __ATOMIC_SEQ_CST);
    swap_rescue_note();
}

/* A shadow that is to begin. */
struct beginning {
    struct slot *slot;
    struct policy *candidate;
    struct failure *why;
    int result;
};

static void begin_held(void *argument)
{
    struct beginning *beginning = argument;
    struct slot *slot = beginning->slot;
    beginning->result = slot->type->shadow->begin(slot->occupant, beginning->candidate, beginning->why);
    if (beginning->result != 0)
        return;
    slot->shadow = beginning->candidate;
    slot_sites_patch(slot, slot->type->shadow->ops);
}

int shadow_begin(struct slot *slot, const char *name, struct failure *why)
{
    struct beginning beginning = {.slot = slot, .why = why};
    int result;
    if (!slot->type->shadow)
        return fail(why, -ENOTSUP,
                    "policies of slot '%s' cannot be run in shadow: they would need what the occupant has", slot->name);
    if (slot->shadow)
        return fail(why, -EBUSY, "%s is in the shadow of slot '%s' already; end that first", slot->shadow->name,
                    slot->name);
    if (strcmp(name, slot->occupant->name) == 0)
        return fail(why, -EALREADY, "%s is the occupant of slot '%s'", name, slot->name);
    result = candidate_get(slot, name, &beginning.candidate, why);
    if (result == 0) {
        memset(shadow_of(slot), 0, sizeof(*shadow_of(slot)));
        rendezvous(begin_held, &beginning);
        result = beginning.result;
    }
    if (result != 0 && beginning.candidate)
        candidate_give_up(slot, beginning.candidate);
    return result;
}

struct policy *shadow_drop(struct slot *slot)
{
    struct policy *candidate = slot->shadow;
    if (candidate)
        slot->type->shadow->end();
    slot->shadow = NULL;
    return candidate;
}

static void end_held(void *argument)
{
    struct slot *slot = argument;
    shadow_drop(slot);
    slot->type->install(slot->occupant);
    slot_sites_patch(slot, slot->occupant->ops);
}

struct policy *shadow_end(struct slot *slot, const char *name)
{
    struct policy *candidate = slot->shadow;
    struct shadow *shadow = shadow_of(slot);
    if (!candidate)
        return NULL;
    rendezvous(end_held, slot);
    if (shadow->failed)
        log_line("slot %s: %s, in shadow, died: %s", slot->name, candidate->name, shadow->reason);
    if (!shadow->failed && name && strcmp(name, candidate->name) == 0 && slot->type->renew(candidate) == 0)
        return candidate;
    candidate_give_up(slot, candidate);
    return NULL;
}

void shadows_end_failed(void)
{
    struct slot *slot;
    for (unsigned i = 0; (slot = slot_at(i)); i++)
        if (slot->shadow && shadows[i].told)
            shadow_end(slot, NULL);
}

bool shadow_report(const struct slot *slot, struct shadow_report *report)
{
    const struct shadow *shadow = shadow_of(slot);
    const struct policy *candidate = slot->shadow;
    uint32_t count = shadow->differences;
    if (!candidate)
        return false;
    memset(report, 0, sizeof(*report));
    memcpy(report->candidate, candidate->name, sizeof(report->candidate));
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        for (unsigned i = 0; i < SHADOW_DECISIONS; i++) {
            report->count.asked[i] += shadow->counts[cpu].asked[i];
            report->count.differed[i] += shadow->counts[cpu].differed[i];
        }
    }
    report->last_count = count < SHADOW_DIFFERENCES ? count : SHADOW_DIFFERENCES;
    for (unsigned i = 0; i < report->last_count; i++)
        report->last[i] = shadow->last[(count - report->last_count + i) % SHADOW_DIFFERENCES];
    return true;
}
