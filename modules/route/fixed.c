/*
 * fixed.c - the module route-fixed: each line has its CPU by its number, and stays there.
 *
 * Context and locks: as in irqroute.h.
 */
#include <moult/irqroute.h>
#include <moult/module.h>

struct irqroute_state {
    char nothing;
};

static void fixed_init(struct irqroute_state *state, unsigned cpu_count)
{
    (void)state;
    (void)cpu_count;
}

/* By its number; if that CPU is not online, the next one that is. */
static unsigned fixed_choose(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    unsigned cpu = facts->line % facts->cpu_count;
    (void)state;
    while (!facts->cpus[cpu].online)
        cpu = (cpu + 1) % facts->cpu_count;
    return cpu;
}

const struct irqroute_ops fixed_ops = {
    .state_bytes = sizeof(struct irqroute_state),
    .init = fixed_init,
    .choose = fixed_choose,
};

MODULE_SLOT(irqroute, fixed_ops);
MODULE("route-fixed", "1.0", "interrupt routing: each line has its CPU");
