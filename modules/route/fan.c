/*
 * fan.c - the module route-fan: what comes of a line goes to everybody who listens to it, each a copy; the lines are
 * spread over the CPUs.
 *
 * Context and locks: as in irqroute.h.
 */
#include <moult/irqroute.h>
#include <moult/module.h>

struct irqroute_state {
    char nothing;
};

static void fan_init(struct irqroute_state *state, unsigned cpu_count)
{
    (void)state;
    (void)cpu_count;
}

/* The CPU that has the fewest lines, unless the line's own has hardly more. */
static unsigned fan_choose(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    unsigned best = facts->cpu;
    (void)state;
    for (unsigned cpu = 0; cpu < facts->cpu_count; cpu++)
        if (facts->cpus[cpu].online && facts->cpus[cpu].lines + 1 < facts->cpus[best].lines + (best != facts->cpu))
            best = cpu;
    return best;
}

static uint64_t fan_receivers(struct irqroute_state *state, unsigned line, uint64_t listeners)
{
    (void)state;
    (void)line;
    return listeners;
}

const struct irqroute_ops fan_ops = {
    .state_bytes = sizeof(struct irqroute_state),
    .init = fan_init,
    .choose = fan_choose,
    .receivers = fan_receivers,
};

MODULE_SLOT(irqroute, fan_ops);
MODULE("route-fan", "1.0", "interrupt routing: to everybody who listens");
