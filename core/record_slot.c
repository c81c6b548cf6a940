/*
 * record_slot.c - the hand-over of slots whose policies keep one state and tell it in one record.
 *
 * Entry points: as in record_slot.h. Concurrency: the swapper's, in a rendezvous where slot.h says so.
 */
#include "core/record_slot.h"
#include "core/console_slot.h"
#include "core/contain.h"
#include "core/cpu.h"
#include "core/heap.h"
#include "core/log_slot.h"
#include "core/monitor/monitor_slot.h"
#include <string.h>

const struct record_slot *const record_slots[SLOT_KIND_COUNT] = {
    [SLOT_KIND_CONSOLE] = &console_record_slot,
    [SLOT_KIND_LOG] = &log_record_slot,
    [SLOT_KIND_MONITOR] = &monitor_record_slot,
};

int record_slot_check(uint32_t state_bytes, size_t most, uint32_t version, uint32_t known, struct failure *why)
{
    if (state_bytes > most)
        return fail(why, -E2BIG, "it wants %u bytes for its state; there are %lu", state_bytes, most);
    if (version != known)
        return fail(why, -EABI, "it speaks version %u of the record, the kernel %u", version, known);
    return 0;
}

int record_slot_renew(struct policy *policy)
{
    memset(policy->memory, 0, record_slots[policy->kind]->state_bytes);
    return 0;
}

int record_slot_reserve(struct policy *candidate, struct failure *why)
{
    candidate->memory = heap_alloc_zeroed(1, record_slots[candidate->kind]->state_bytes);
    return candidate->memory ? 0 : fail(why, -ENOMEM, "there is no memory for its state");
}

void record_slot_release(struct policy *policy)
{
    heap_free(policy->memory);
    policy->memory = NULL;
}

void record_slot_install(struct policy *policy)
{
    *record_slots[policy->kind]->state = policy->memory;
}

/* A policy is asked to take a record over and to tell it. */
struct question {
    const struct record_slot *slot;
    struct policy *policy;
    uint64_t bytes;
    uint64_t said[RECORD_SLOT_BYTES / sizeof(uint64_t)];
};

static void ask(void *argument)
{
    struct question *question = argument;
    const struct policy *policy = question->policy;
    question->slot->load(policy->ops, policy->memory, question->slot->record);
    question->bytes = question->slot->save(policy->ops, policy->memory, question->said);
}

/* The policy goes on as the core's copy of the record says, and can say it again. */
static int load(struct policy *to, struct failure *why)
{
    static struct question question; /* the swapper's, who asks one at a time */
    const struct module *module;
    question = (struct question){.slot = record_slots[to->kind], .policy = to};
    memcpy(question.said, &question.slot->record_version, sizeof(question.slot->record_version));
    if (contain_call(ask, &question, &module) != 0)
        return fail(why, -EPROTO, "%s: %s", to->name, contain_reason());
    if (!question.slot->is_valid(question.bytes, question.said))
        return fail(why, -EPROTO, "%s writes a record of %lu bytes that is out of bounds; it has %lu", to->name,
                    question.bytes, question.slot->record_bytes);
    return 0;
}

int record_slot_transfer(struct policy *from, struct policy *to, uint64_t *moved, struct failure *why)
{
    (void)from;
    *moved = 1;
    return load(to, why);
}

int record_slot_rebuild(struct policy *to, uint64_t *moved)
{
    *moved = 1;
    return load(to, NULL);
}

struct slot_outer slot_enter(void)
{
    struct cpu *cpu = this_cpu();
    struct slot_outer outer = {cpu->guard_stack, cpu->guard_frame, cpu->serving};
    cpu->serving = true; /* the watchdog is to look at this CPU even when it idles */
    return outer;
}

void slot_leave(const struct slot_outer *outer)
{
    struct cpu *cpu = this_cpu();
    cpu->guard_stack = outer->stack;
    cpu->guard_frame = outer->frame;
    cpu->serving = outer->serving;
}
