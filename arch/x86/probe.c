/*
 * probe.c - the faults that are expected: where the instruction that faulted says that execution goes on.
 */
#include <arch/probe.h>
#include <arch/trap.h>

/* As arch_probe_equals() lists itself; the linker gathers them in .moult.probes. */
struct probe {
    uint64_t instruction, otherwise;
};

extern const struct probe probes_start[], probes_end[];

bool arch_probe_faulted(struct trap_frame *frame)
{
    if (frame->vector != VECTOR_PAGE_FAULT && frame->vector != VECTOR_GENERAL_PROTECTION)
        return false;
    for (const struct probe *probe = probes_start; probe < probes_end; probe++)
        if (probe->instruction == frame->rip) {
            frame->rip = probe->otherwise;
            return true;
        }
    return false;
}
