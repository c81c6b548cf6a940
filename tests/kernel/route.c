/*
 * route.c - interrupt routing for tests: what comes of a line goes to whoever began to listen last, and the CPU changes
 * at every choice.
 */
#include <moult/irqroute.h>
#include <moult/module.h>

struct irqroute_state {
    unsigned last;
};

static void test_init(struct irqroute_state *state, unsigned cpu_count)
{
    (void)cpu_count;
    state->last = 0;
}

static unsigned test_choose(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    do
        state->last = (state->last + 1) % facts->cpu_count;
    while (!facts->cpus[state->last].online);
    return state->last;
}

static uint64_t test_receivers(struct irqroute_state *state, unsigned line, uint64_t listeners)
{
    (void)state;
    (void)line;
    return 1ull << (63 - __builtin_clzll(listeners));
}

const struct irqroute_ops test_route_ops = {
    .state_bytes = sizeof(struct irqroute_state),
    .init = test_init,
    .choose = test_choose,
    .receivers = test_receivers,
};

MODULE_SLOT(irqroute, test_route_ops);
MODULE("test-route", "1.0", "interrupt routing to whoever listens last");
