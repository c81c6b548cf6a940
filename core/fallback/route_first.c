/*
 * route_first.c - route-first, the interrupt routing built in: every line goes to CPU 0, and what comes of it to
 * whoever listened first.
 *
 * Entry point: route_first_ops. Context and locks: as in irqroute.h.
 */
#include <moult/irqroute.h>

struct irqroute_state {
    char nothing;
};

static void first_init(struct irqroute_state *state, unsigned cpu_count)
{
    (void)state;
    (void)cpu_count;
}

static unsigned first_choose(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    (void)state;
    (void)facts;
    return 0;
}

const struct irqroute_ops route_first_ops = {
    .state_bytes = sizeof(struct irqroute_state),
    .init = first_init,
    .choose = first_choose,
};
