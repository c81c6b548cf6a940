/*
 * rr.c - the module route-rr: at every choice a line moves on to the next CPU.
 *
 * Context and locks: as in irqroute.h.
 */
#include <moult/irqroute.h>
#include <moult/module.h>

struct irqroute_state {
    unsigned last; /* the CPU that was chosen last, for any line */
};

static void rr_init(struct irqroute_state *state, unsigned cpu_count)
{
    state->last = cpu_count - 1;
}

static unsigned rr_choose(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    do
        state->last = (state->last + 1) % facts->cpu_count;
    while (!facts->cpus[state->last].online);
    return state->last;
}

const struct irqroute_ops rr_ops = {
    .state_bytes = sizeof(struct irqroute_state),
    .init = rr_init,
    .choose = rr_choose,
};

MODULE_SLOT(irqroute, rr_ops);
MODULE("route-rr", "1.0", "interrupt routing: the CPUs in turn");
