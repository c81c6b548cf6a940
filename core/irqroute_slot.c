/*
 * irqroute_slot.c - the slot `irqroute`: what a routing policy must offer, its calls, and what is done with its
 * answers.
 *
 * There is nothing to hand over: where the lines go is the core's to know. A new policy is asked anew for each.
 * Concurrency: `lock` lets one CPU at a time into the policy, and protects `table`.
 */
#include "core/irqroute_slot.h"
#include "core/contain.h"
#include "core/cpu.h"
#include "core/heap.h"
#include "core/swap.h"
#include <moult/abi.h>
#include <moult/errors.h>
#include <string.h>

static struct {
    struct spinlock lock;
    struct irqroute_state *state; /* the occupant's; changes in a rendezvous */
    struct irqroute_cpu table[CPU_MAX];
} route;

static void look_at_cpus(void)
{
    const struct irq_line *line;
    for (unsigned i = 0; i < cpu_count; i++)
        route.table[i] = (struct irqroute_cpu){
            .online = cpus[i].online, .load = cpus[i].load, .interrupts = cpus[i].interrupts};
    for (unsigned i = 0; (line = irq_line_at(i)); i++)
        if (line->open)
            route.table[line->cpu].lines++;
}

void irqroute_choose(struct irq_line *line)
{
    struct irqroute_facts facts = {.line = line->number,
                                   .cpu = line->cpu,
                                   .interrupts = line->count.interrupts,
                                   .cpu_count = cpu_count,
                                   .cpus = route.table};
    unsigned cpu;
    if (swap_rescue_due(SLOT_KIND_IRQROUTE, slot_at(SLOT_KIND_IRQROUTE)->occupant))
        return;
    spin_lock(&route.lock);
    look_at_cpus();
    cpu = (unsigned)SLOT_RESULT2(SLOT_KIND_IRQROUTE, irqroute_ops, choose, route.state, &facts);
    spin_unlock(&route.lock);
    if (cpu == line->cpu)
        return;
    if (cpu >= cpu_count || !cpus[cpu].online)
        swap_rescue(SLOT_KIND_IRQROUTE, "chose CPU %u for line %u, which is not online", cpu, line->number);
    else
        irq_retarget(line, cpu);
}

uint64_t irqroute_receivers(const struct irq_line *line, uint64_t listeners)
{
    uint64_t first = 1ull << line->first, chosen = 0;
    if (!swap_rescue_due(SLOT_KIND_IRQROUTE, slot_at(SLOT_KIND_IRQROUTE)->occupant)) {
        spin_lock(&route.lock);
        chosen = SLOT_RESULT3(SLOT_KIND_IRQROUTE, irqroute_ops, receivers, route.state, line->number, listeners, first);
        spin_unlock(&route.lock);
    }
    if (chosen & ~listeners) {
        swap_rescue(SLOT_KIND_IRQROUTE, "named listeners %#lx of line %u, where there are %#lx", chosen, line->number,
                    listeners);
        chosen = 0;
    }
    return chosen ? chosen : first;
}

static int validate(const void *table, struct failure *why)
{
    const struct irqroute_ops *ops = table;
    if (ops->state_bytes > IRQROUTE_STATE_BYTES)
        return fail(why, -E2BIG, "it wants %u bytes; there are %u", ops->state_bytes, IRQROUTE_STATE_BYTES);
    if (!ops->init || !ops->choose)
        return fail(why, -EINVAL, "it lacks one of init, choose");
    return 0;
}

static void call_init(void *argument)
{
    const struct policy *policy = argument;
    ((const struct irqroute_ops *)policy->ops)->init(policy->memory, cpu_count);
}

static int renew(struct policy *policy)
{
    const struct module *module;
    memset(policy->memory, 0, IRQROUTE_STATE_BYTES);
    return contain_call(call_init, policy, &module);
}

static int reserve(struct policy *candidate, struct failure *why)
{
    candidate->memory = heap_alloc_zeroed(1, IRQROUTE_STATE_BYTES);
    if (!candidate->memory)
        return fail(why, -ENOMEM, "there is no memory for its state");
    return renew(candidate) == 0 ? 0 : fail(why, -EPROTO, "its state cannot be made: %s", contain_reason());
}

static void release(struct policy *policy)
{
    heap_free(policy->memory);
    policy->memory = NULL;
}

/* In a rendezvous, or at boot. */
static void install(struct policy *policy)
{
    struct irq_line *line;
    route.state = policy->memory;
    for (unsigned i = 0; (line = irq_line_at(i)); i++) {
        line->choice_due = line->open;
        if (line->open)
            irq_kick(line);
    }
}

static uint64_t count_lines(void)
{
    const struct irq_line *line;
    uint64_t count = 0;
    for (unsigned i = 0; (line = irq_line_at(i)); i++)
        count += line->open;
    return count;
}

static int transfer(struct policy *from, struct policy *to, uint64_t *moved, struct failure *why)
{
    (void)from;
    (void)to;
    (void)why;
    *moved = count_lines();
    return 0;
}

static int rebuild(struct policy *to, uint64_t *moved)
{
    (void)to;
    *moved = count_lines();
    return 0;
}

const struct slot_type irqroute_slot_type = {
    .name = "irqroute",
    .abi = MOULT_ABI_irqroute,
    .ops_size = sizeof(struct irqroute_ops),
    .functions = offsetof(struct irqroute_ops, init),
    .moves = "lines",
    .validate = validate,
    .reserve = reserve,
    .renew = renew,
    .install = install,
    .transfer = transfer,
    .rebuild = rebuild,
    .release = release,
};
