/*
 * least.c - the module route-least: a line goes to the CPU that had the least to do lately.
 *
 * What a CPU has to do is counted in the interrupts that it served since it was last looked at, the older ones half as
 * much each time, and in the weight of its runnable threads. A line moves only if another CPU had clearly less.
 * Context and locks: as in irqroute.h.
 */
#include <moult/irqroute.h>
#include <moult/module.h>

#define CPUS_MAX 64
#define WEIGHT_OF_INTERRUPT 10 /* of a thread's weight, of which 100 is usual */
#define CLEARLY_LESS(a, b) ((a) + (a) / 4 + 100 < (b))

struct irqroute_state {
    uint64_t seen[CPUS_MAX];   /* interrupts when it was last looked at */
    uint64_t lately[CPUS_MAX]; /* a decaying count of them */
};

_Static_assert(sizeof(struct irqroute_state) <= IRQROUTE_STATE_BYTES, "there is room");

static void least_init(struct irqroute_state *state, unsigned cpu_count)
{
    (void)state;
    (void)cpu_count;
}

static void look(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    for (unsigned cpu = 0; cpu < facts->cpu_count; cpu++) {
        uint64_t interrupts = facts->cpus[cpu].interrupts;
        state->lately[cpu] = state->lately[cpu] / 2 + (interrupts - state->seen[cpu]);
        state->seen[cpu] = interrupts;
    }
}

static uint64_t cost(const struct irqroute_state *state, const struct irqroute_facts *facts, unsigned cpu)
{
    return state->lately[cpu] * WEIGHT_OF_INTERRUPT + facts->cpus[cpu].load;
}

static unsigned least_choose(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    unsigned best = facts->cpu;
    look(state, facts);
    for (unsigned cpu = 0; cpu < facts->cpu_count; cpu++)
        if (facts->cpus[cpu].online && cost(state, facts, cpu) < cost(state, facts, best))
            best = cpu;
    return CLEARLY_LESS(cost(state, facts, best), cost(state, facts, facts->cpu)) ? best : facts->cpu;
}

const struct irqroute_ops least_ops = {
    .state_bytes = sizeof(struct irqroute_state),
    .init = least_init,
    .choose = least_choose,
};

MODULE_SLOT(irqroute, least_ops);
MODULE("route-least", "1.0", "interrupt routing: the CPU with the least to do");
