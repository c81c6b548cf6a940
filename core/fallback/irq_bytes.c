/*
 * irq_bytes.c - irq-bytes, the interrupt service routine built in for serial ports: every byte is passed on.
 *
 * Entry point: irq_bytes_ops. Context and locks: as in irq.h.
 */
#include <moult/irq.h>

struct irq_state {
    char nothing;
};

static void bytes_load(struct irq_state *state, unsigned line, const struct irq_record *record)
{
    (void)state;
    (void)line;
    (void)record;
}

static size_t bytes_save(const struct irq_state *state, struct irq_record *record)
{
    (void)state;
    return sizeof(*record);
}

static int bytes_handle(struct irq_state *state, unsigned line)
{
    int64_t byte;
    (void)state;
    while ((byte = irq_take(line)) >= 0)
        irq_give(line, (uint32_t)byte);
    return IRQ_SERVED;
}

const struct irq_ops irq_bytes_ops = {
    .state_bytes = sizeof(struct irq_state),
    .sources = IRQ_SOURCE_BYTES,
    .record_version = IRQ_RECORD_VERSION,
    .load = bytes_load,
    .save = bytes_save,
    .handle = bytes_handle,
};
