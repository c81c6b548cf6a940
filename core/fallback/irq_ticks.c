/*
 * irq_ticks.c - irq-ticks, the interrupt service routine built in for lines whose devices number their events: each
 * number is passed on.
 *
 * Entry point: irq_ticks_ops. Context and locks: as in irq.h.
 */
#include <moult/irq.h>

struct irq_state {
    uint32_t last; /* the number of the last event */
};

static void ticks_load(struct irq_state *state, unsigned line, const struct irq_record *record)
{
    (void)line;
    if (record->fields & IRQ_HAS_LAST)
        state->last = record->last;
}

static size_t ticks_save(const struct irq_state *state, struct irq_record *record)
{
    record->last = state->last;
    record->fields |= IRQ_HAS_LAST;
    return sizeof(*record);
}

static int ticks_handle(struct irq_state *state, unsigned line)
{
    int64_t number;
    while ((number = irq_take(line)) >= 0) {
        state->last = (uint32_t)number;
        irq_give(line, state->last);
    }
    return IRQ_SERVED;
}

const struct irq_ops irq_ticks_ops = {
    .state_bytes = sizeof(struct irq_state),
    .sources = IRQ_SOURCE_TICKS,
    .record_version = IRQ_RECORD_VERSION,
    .load = ticks_load,
    .save = ticks_save,
    .handle = ticks_handle,
};
