/*
 * poll.c - the module idle-poll: always looks again: the fastest to react, and the warmest.
 *
 * Context and locks: as in idle.h.
 */
#include <moult/idle.h>
#include <moult/module.h>

struct idle_state {
    char nothing;
};

static void poll_init(struct idle_state *state, unsigned cpu)
{
    (void)state;
    (void)cpu;
}

static unsigned poll_choose(struct idle_state *state, const struct idle_facts *facts)
{
    (void)state;
    (void)facts;
    return IDLE_POLL;
}

const struct idle_ops poll_ops = {
    .state_bytes = sizeof(struct idle_state),
    .init = poll_init,
    .choose = poll_choose,
};

MODULE_SLOT(idle, poll_ops);
MODULE("idle-poll", "1.0", "a CPU without work looks for some all the time");
