/*
 * idle_halt.c - idle-halt, the built-in fallback of the `idle` slot: the CPU stops until an interrupt.
 *
 * Entry point: idle_halt_ops. Context and locks: as in idle.h.
 */
#include <moult/idle.h>

struct idle_state {
    char nothing;
};

static void halt_init(struct idle_state *state, unsigned cpu)
{
    (void)state;
    (void)cpu;
}

static unsigned halt_choose(struct idle_state *state, const struct idle_facts *facts)
{
    (void)state;
    (void)facts;
    return IDLE_HALT;
}

const struct idle_ops idle_halt_ops = {
    .state_bytes = sizeof(struct idle_state),
    .init = halt_init,
    .choose = halt_choose,
};
