/*
 * serial.c - the module irq-serial: an interrupt service routine for serial ports that takes a batch at a time, and
 * keeps counts of what it saw in its private part of the record.
 *
 * A batch bounds how long one call keeps interrupts off; the core calls again for the rest. Context and locks: as in
 * irq.h.
 */
#include <moult/irq.h>
#include <moult/module.h>

#define FAMILY_SERIAL 0x53455231 /* "SER1" */

MODULE_PARAMETER(batch, 16);

/* What is handed over to another of the family. */
struct counts {
    uint64_t bytes, calls;
    uint32_t longest; /* batch */
};

struct irq_state {
    struct counts counts;
};

_Static_assert(sizeof(struct counts) <= sizeof(((struct irq_record *)0)->private), "it fits");

static void serial_load(struct irq_state *state, unsigned line, const struct irq_record *record)
{
    (void)line;
    if (record->fields & IRQ_HAS_PRIVATE && record->family == FAMILY_SERIAL &&
        record->private_bytes == sizeof(state->counts))
        __builtin_memcpy(&state->counts, record->private, sizeof(state->counts));
}

static size_t serial_save(const struct irq_state *state, struct irq_record *record)
{
    __builtin_memcpy(record->private, &state->counts, sizeof(state->counts));
    record->private_bytes = sizeof(state->counts);
    record->family = FAMILY_SERIAL;
    record->fields |= IRQ_HAS_PRIVATE;
    return sizeof(*record);
}

static int serial_handle(struct irq_state *state, unsigned line)
{
    uint32_t taken = 0, most = parameter_batch ? (uint32_t)parameter_batch : 1;
    int64_t byte;
    while (taken < most && (byte = irq_take(line)) >= 0) {
        irq_give(line, (uint32_t)byte);
        taken++;
    }
    state->counts.bytes += taken;
    state->counts.calls++;
    if (taken > state->counts.longest)
        state->counts.longest = taken;
    return IRQ_SERVED;
}

const struct irq_ops serial_ops = {
    .state_bytes = sizeof(struct irq_state),
    .sources = IRQ_SOURCE_BYTES,
    .record_version = IRQ_RECORD_VERSION,
    .load = serial_load,
    .save = serial_save,
    .handle = serial_handle,
};

MODULE_SLOT(irq, serial_ops);
MODULE("irq-serial", "1.0", "serial ISR that takes a batch at a time");
