/*
 * idle.c - the module bad-idle: an idle policy that halts, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`).
 */
#include "faults.h"
#include <moult/idle.h>
#include <moult/module.h>
#include <stdbool.h>

/* Values of `op`. */
enum op {
    INIT,
    CHOOSE,
};

/* Values of `kind` beyond those of faults.h. */
enum kind {
    ANSWER_GARBAGE = FAULTS,
};

MODULE_PARAMETER(op, CHOOSE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct idle_state {
    char nothing;
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

static void bad_init(struct idle_state *state, unsigned cpu)
{
    (void)state;
    (void)cpu;
    now(INIT);
}

static unsigned bad_choose(struct idle_state *state, const struct idle_facts *facts)
{
    (void)state;
    (void)facts;
    return now(CHOOSE) && parameter_kind == ANSWER_GARBAGE ? 12345 : IDLE_HALT;
}

const struct idle_ops bad_idle_ops = {
    .state_bytes = sizeof(struct idle_state),
    .init = bad_init,
    .choose = bad_choose,
};

MODULE_SLOT(idle, bad_idle_ops);
MODULE("bad-idle", "1.0", "an idle policy that misbehaves");
