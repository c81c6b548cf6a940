/*
 * irq.c - the module bad-irq: an interrupt service routine for every device, until it misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`). Before that it passes
 * on what it takes, keys as bytes.
 */
#include "faults.h"
#include <moult/errors.h>
#include <moult/irq.h>
#include <moult/module.h>

/* Values of `op`. */
enum op {
    PREPARE,
    CARRY_ON,
    LOAD,
    SAVE,
    HANDLE,
};

/* Values of `kind` beyond those of faults.h. */
enum kind {
    ANSWER_NOTHING = FAULTS,
    ANSWER_GARBAGE,
    TAKE_NOTHING,
    FAIL_HALF_WAY, /* a value has been taken, and given */
    REFUSE,
    WRONG_SIZE,
    WRONG_FIELDS,
    WRONG_PRIVATE,
};

MODULE_PARAMETER(op, HANDLE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

struct irq_state {
    struct irq_keys keys;
    uint32_t last;
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

static int bad_prepare(struct irq_state *state)
{
    (void)state;
    return now(PREPARE) && parameter_kind == REFUSE ? -EPERM : 0;
}

static void bad_carry_on(struct irq_state *state)
{
    (void)state;
    now(CARRY_ON);
}

static void bad_load(struct irq_state *state, unsigned line, const struct irq_record *record)
{
    (void)line;
    state->keys = record->keys;
    state->last = record->last;
    now(LOAD);
}

static size_t bad_save(const struct irq_state *state, struct irq_record *record)
{
    bool bad = now(SAVE);
    record->keys = state->keys;
    record->last = state->last;
    record->fields |= IRQ_HAS_KEYS | IRQ_HAS_LAST;
    if (bad && parameter_kind == WRONG_FIELDS)
        record->fields |= 1u << 31;
    if (bad && parameter_kind == WRONG_PRIVATE) {
        record->fields |= IRQ_HAS_PRIVATE;
        record->private_bytes = 1u << 30;
    }
    return bad && parameter_kind == WRONG_SIZE ? sizeof(*record) - 8 : sizeof(*record);
}

static int bad_handle(struct irq_state *state, unsigned line)
{
    bool bad = now(HANDLE);
    int64_t value;
    if (bad && parameter_kind == TAKE_NOTHING)
        return IRQ_SERVED;
    while ((value = irq_take(line)) >= 0) {
        state->last = (uint32_t)value;
        irq_give(line, state->last);
        if (bad && parameter_kind == FAIL_HALF_WAY)
            fail_inside(READ_NOWHERE);
    }
    if (bad && parameter_kind == ANSWER_NOTHING)
        return 0;
    return bad && parameter_kind == ANSWER_GARBAGE ? 0x5a5a : IRQ_SERVED;
}

const struct irq_ops bad_irq_ops = {
    .state_bytes = sizeof(struct irq_state),
    .sources = IRQ_SOURCE_KEYS | IRQ_SOURCE_BYTES | IRQ_SOURCE_TICKS,
    .record_version = IRQ_RECORD_VERSION,
    .prepare = bad_prepare,
    .carry_on = bad_carry_on,
    .load = bad_load,
    .save = bad_save,
    .handle = bad_handle,
};

MODULE_SLOT(irq, bad_irq_ops);
MODULE("bad-irq", "1.0", "an ISR that misbehaves");
