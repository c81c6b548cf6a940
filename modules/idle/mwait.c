/*
 * mwait.c - the module idle-mwait: MONITOR and MWAIT where the machine has them, else it halts.
 *
 * Context and locks: as in idle.h.
 */
#include <moult/idle.h>
#include <moult/module.h>

struct idle_state {
    char nothing;
};

static void mwait_init(struct idle_state *state, unsigned cpu)
{
    (void)state;
    (void)cpu;
}

static unsigned mwait_choose(struct idle_state *state, const struct idle_facts *facts)
{
    (void)state;
    return facts->can_mwait ? IDLE_MWAIT : IDLE_HALT;
}

const struct idle_ops mwait_ops = {
    .state_bytes = sizeof(struct idle_state),
    .init = mwait_init,
    .choose = mwait_choose,
};

MODULE_SLOT(idle, mwait_ops);
MODULE("idle-mwait", "1.0", "a CPU without work stops until its own memory is written to");
