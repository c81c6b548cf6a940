/*
 * route.c - the module bad-route: interrupt routing that is fixed, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`).
 */
#include "faults.h"
#include <moult/irqroute.h>
#include <moult/module.h>
#include <stdbool.h>

/* Values of `op`. */
enum op {
    INIT,
    CHOOSE,
    RECEIVERS,
};

/* Values of `kind` beyond those of faults.h. */
enum kind {
    ANSWER_NOTHING = FAULTS,
    ANSWER_GARBAGE,
};

MODULE_PARAMETER(op, CHOOSE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct irqroute_state {
    unsigned cpu_count;
};

static uint64_t calls;

/* Is this the call in which to misbehave, and every one after it? */
static bool now(enum op op)
{
    if (op != parameter_op || ++calls < parameter_after)
        return false;
    parameter_hits++;
    fail_inside(parameter_kind);
    return true;
}

static void bad_init(struct irqroute_state *state, unsigned cpu_count)
{
    state->cpu_count = cpu_count;
    now(INIT);
}

static unsigned bad_choose(struct irqroute_state *state, const struct irqroute_facts *facts)
{
    bool bad = now(CHOOSE);
    if (bad && parameter_kind == ANSWER_GARBAGE)
        return state->cpu_count + 5;
    return facts->cpu;
}

static uint64_t bad_receivers(struct irqroute_state *state, unsigned line, uint64_t listeners)
{
    bool bad = now(RECEIVERS);
    (void)state;
    (void)line;
    if (bad && parameter_kind == ANSWER_GARBAGE)
        return listeners << 1;
    return bad && parameter_kind == ANSWER_NOTHING ? 0 : listeners;
}

const struct irqroute_ops bad_route_ops = {
    .state_bytes = sizeof(struct irqroute_state),
    .init = bad_init,
    .choose = bad_choose,
    .receivers = bad_receivers,
};

MODULE_SLOT(irqroute, bad_route_ops);
MODULE("bad-route", "1.0", "interrupt routing that misbehaves");
