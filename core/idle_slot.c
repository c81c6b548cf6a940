/*
 * idle_slot.c - the slot `idle`: what an idle policy must offer, the question how to wait, and the waiting itself.
 *
 * Nothing is handed over: a CPU that waits does so in the core, and asks the new policy the next time. Concurrency:
 * each CPU asks for itself, about a state of its own.
 */
#include "core/idle_slot.h"
#include "core/contain.h"
#include "core/heap.h"
#include "core/slot_call.h"
#include "core/swap.h"
#include <arch/machine.h>
#include <moult/abi.h>
#include <moult/errors.h>
#include <stddef.h>
#include <string.h>

static uint8_t *states;               /* the occupant's, one for each CPU; changes in a rendezvous */
static uint64_t last_waited[CPU_MAX]; /* cycles; each CPU's own */

static void *state_of(const struct policy *policy, unsigned cpu)
{
    return (uint8_t *)policy->memory + (size_t)cpu * IDLE_STATE_BYTES;
}

/* The watchdog takes a CPU that idles for one that gets on, unless it is `serving`. Interrupts are off. */
static unsigned ask(struct cpu *cpu)
{
    struct idle_facts facts = {
        .cpu = cpu->index, .can_mwait = arch_can_wait_for_write(), .last = last_waited[cpu->index]};
    unsigned way;
    if (swap_rescue_due(SLOT_KIND_IDLE, slot_at(SLOT_KIND_IDLE)->occupant))
        return IDLE_HALT;
    cpu->serving = true;
    way = (unsigned)SLOT_RESULT2(SLOT_KIND_IDLE, idle_ops, choose,
                                 (struct idle_state *)(states + (size_t)cpu->index * IDLE_STATE_BYTES), &facts);
    cpu->serving = false;
    if (way < IDLE_WAYS && (way != IDLE_MWAIT || facts.can_mwait))
        return way;
    swap_rescue(SLOT_KIND_IDLE, "chose a way to wait, %u, that the machine does not have", way);
    return IDLE_HALT;
}

static void poll(const struct cpu *cpu)
{
    uint64_t seen = cpu->interrupts;
    arch_interrupts_enable();
    for (int turn = 0; turn < IDLE_POLL_TURNS; turn++) {
        if (cpu->reschedule || *(const volatile uint64_t *)&cpu->interrupts != seen)
            break;
        arch_relax();
    }
}

void idle_wait(struct cpu *cpu)
{
    unsigned way = ask(cpu);
    uint64_t began = arch_clock();
    if (way == IDLE_POLL)
        poll(cpu);
    else if (way == IDLE_MWAIT)
        arch_wait_for_write(&cpu->reschedule);
    else
        arch_wait_for_interrupt();
    last_waited[cpu->index] = arch_clock() - began;
}

static int validate(const void *table, struct failure *why)
{
    const struct idle_ops *ops = table;
    if (ops->state_bytes > IDLE_STATE_BYTES)
        return fail(why, -E2BIG, "it wants %u bytes a CPU; there are %u", ops->state_bytes, IDLE_STATE_BYTES);
    if (!ops->init || !ops->choose)
        return fail(why, -EINVAL, "it lacks one of init, choose");
    return 0;
}

static void call_init(void *argument)
{
    const struct policy *policy = argument;
    for (unsigned i = 0; i < cpu_count; i++)
        ((const struct idle_ops *)policy->ops)->init(state_of(policy, i), i);
}

static int renew(struct policy *policy)
{
    const struct module *module;
    memset(policy->memory, 0, (size_t)cpu_count * IDLE_STATE_BYTES);
    return contain_call(call_init, policy, &module);
}

static int reserve(struct policy *candidate, struct failure *why)
{
    candidate->memory = heap_alloc_zeroed(cpu_count, IDLE_STATE_BYTES);
    if (!candidate->memory)
        return fail(why, -ENOMEM, "there is no memory for its states");
    return renew(candidate) == 0 ? 0 : fail(why, -EPROTO, "its states cannot be made: %s", contain_reason());
}

static void release(struct policy *policy)
{
    heap_free(policy->memory);
    policy->memory = NULL;
}

static void install(struct policy *policy)
{
    states = policy->memory;
}

static int transfer(struct policy *from, struct policy *to, uint64_t *moved, struct failure *why)
{
    (void)from;
    (void)to;
    (void)why;
    *moved = cpu_count;
    return 0;
}

static int rebuild(struct policy *to, uint64_t *moved)
{
    (void)to;
    *moved = cpu_count;
    return 0;
}

const struct slot_type idle_slot_type = {
    .name = "idle",
    .abi = MOULT_ABI_idle,
    .ops_size = sizeof(struct idle_ops),
    .functions = offsetof(struct idle_ops, init),
    .moves = "CPUs",
    .validate = validate,
    .reserve = reserve,
    .renew = renew,
    .install = install,
    .transfer = transfer,
    .rebuild = rebuild,
    .release = release,
};
