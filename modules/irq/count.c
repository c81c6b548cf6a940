/*
 * count.c - the module irq-count: an interrupt service routine for lines whose devices number their events, which
 * counts the numbers that did not follow the one before.
 *
 * The last number is handed over, so the count holds across a swap. Context and locks: as in irq.h.
 */
#include <moult/irq.h>
#include <moult/module.h>

#define FAMILY_COUNT 0x434e5431 /* "CNT1" */

struct counts {
    uint64_t events, breaks; /* seen by this family; of them, those that did not follow */
};

struct irq_state {
    uint32_t last;
    struct counts counts;
};

_Static_assert(sizeof(struct counts) <= sizeof(((struct irq_record *)0)->private), "it fits");

static void count_load(struct irq_state *state, unsigned line, const struct irq_record *record)
{
    (void)line;
    if (record->fields & IRQ_HAS_LAST)
        state->last = record->last;
    if (record->fields & IRQ_HAS_PRIVATE && record->family == FAMILY_COUNT &&
        record->private_bytes == sizeof(state->counts))
        __builtin_memcpy(&state->counts, record->private, sizeof(state->counts));
}

static size_t count_save(const struct irq_state *state, struct irq_record *record)
{
    record->last = state->last;
    __builtin_memcpy(record->private, &state->counts, sizeof(state->counts));
    record->private_bytes = sizeof(state->counts);
    record->family = FAMILY_COUNT;
    record->fields |= IRQ_HAS_LAST | IRQ_HAS_PRIVATE;
    return sizeof(*record);
}

static int count_handle(struct irq_state *state, unsigned line)
{
    int64_t number;
    while ((number = irq_take(line)) >= 0) {
        state->counts.events++;
        state->counts.breaks += (uint32_t)number != state->last + 1;
        state->last = (uint32_t)number;
        irq_give(line, state->last);
    }
    return IRQ_SERVED;
}

const struct irq_ops count_ops = {
    .state_bytes = sizeof(struct irq_state),
    .sources = IRQ_SOURCE_TICKS,
    .record_version = IRQ_RECORD_VERSION,
    .load = count_load,
    .save = count_save,
    .handle = count_handle,
};

MODULE_SLOT(irq, count_ops);
MODULE("irq-count", "1.0", "ISR that counts events and the breaks in their numbers");
