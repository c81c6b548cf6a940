/*
 * adaptive.c - the module idle-adaptive: looks for work as long as it was found soon lately, else stops.
 *
 * What a CPU expects is the mean of its spells without work, the last one counting an eighth. A spell that is expected
 * to be shorter than `short` microseconds (parameter, 20) is not worth the way into a halt and out of it.
 * Context and locks: as in idle.h.
 */
#include <moult/idle.h>
#include <moult/module.h>
#include <moult/sched.h>

MODULE_PARAMETER(short, 20);

struct idle_state {
    uint64_t expected; /* cycles */
};

static void adaptive_init(struct idle_state *state, unsigned cpu)
{
    (void)cpu;
    state->expected = sched_tick_cycles;
}

static unsigned adaptive_choose(struct idle_state *state, const struct idle_facts *facts)
{
    if (facts->last > 0)
        state->expected += facts->last / 8 - state->expected / 8;
    if (state->expected < sched_clock_hz / 1000000 * parameter_short)
        return IDLE_POLL;
    return facts->can_mwait ? IDLE_MWAIT : IDLE_HALT;
}

const struct idle_ops adaptive_ops = {
    .state_bytes = sizeof(struct idle_state),
    .init = adaptive_init,
    .choose = adaptive_choose,
};

MODULE_SLOT(idle, adaptive_ops);
MODULE("idle-adaptive", "1.0", "a CPU without work looks for some if it came soon lately");
