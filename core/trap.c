/*
 * trap.c - where every interrupt and exception arrives, interrupts off: acknowledge, serve, choose again if that was
 * asked for.
 */
#include "core/contain.h"
#include "core/cpu.h"
#include "core/interrupt.h"
#include "core/irq.h"
#include "core/module.h"
#include "core/module_run.h"
#include "core/panic.h"
#include "core/rendezvous.h"
#include "core/schedule.h"
#include "core/time.h"
#include <arch/fpu.h>
#include <arch/interrupts.h>
#include <arch/probe.h>
#include <arch/trap.h>
#include <moult/text.h>

#define VECTOR_DEBUG 1
#define VECTOR_DEVICE_NOT_AVAILABLE 7

static uint64_t counts[256];

uint64_t interrupt_count(unsigned vector)
{
    return counts[vector & 255];
}

/* SDM volume 3, table 6-1. */
static const char *const exception_names[32] = {
    [0] = "divide error",
    [1] = "debug",
    [2] = "non-maskable interrupt",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid opcode",
    [7] = "vector unit not allowed: the thread did not ask for it",
    [8] = "double fault: a stack has overflowed",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack-segment fault",
    [13] = "general protection fault",
    [14] = "page fault",
    [16] = "x87 floating-point error",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD floating-point exception",
    [21] = "control protection exception",
};

static const char *exception_name(uint64_t vector)
{
    return exception_names[vector] ? exception_names[vector] : "reserved exception";
}

static uint64_t fault_address(void)
{
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}

/* A thread that asked for vector registers uses them for the first time since it was switched to. */
static bool fpu_wanted(void)
{
    struct thread *self = current_thread();
    struct cpu *cpu = this_cpu();
    if (!self->fpu)
        return false;
    arch_fpu_allow(true);
    arch_fpu_restore(self->fpu);
    spin_lock(&cpu->queue_lock); /* other CPUs set bits of it too */
    cpu->attention |= ATTENTION_FPU;
    spin_unlock(&cpu->queue_lock);
    return true;
}

static void describe_page_fault(const struct trap_frame *frame, char *text, size_t bytes)
{
    static const char *const access[] = {"reading", "reading", "writing", "writing"};
    const char *gone = module_gone_from(frame->rip);
    text_format(text, bytes, "page fault %s %#lx%s%s", frame->error & 16 ? "executing" : access[frame->error & 3],
                fault_address(), gone ? ", where the module was that has left: " : "", gone ? gone : "");
}

static void exception(struct trap_frame *frame)
{
    char what[120];
    if (frame->vector == VECTOR_NMI) {
        if (panic_under_way() && !panic_is_here())
            panic_stop_here();
        if (!panic_under_way())
            contain_watchdog(frame);
        return;
    }
    if (frame->vector == VECTOR_DEVICE_NOT_AVAILABLE && fpu_wanted())
        return;
    if (frame->vector == VECTOR_DEBUG && contain_step(frame))
        return;
    if (arch_probe_faulted(frame))
        return;
    if (frame->vector == VECTOR_PAGE_FAULT)
        describe_page_fault(frame, what, sizeof(what));
    else
        text_format(what, sizeof(what), "%s", exception_name(frame->vector));
    if (!contain_exception(frame, what) && !module_run_faulted(frame, what))
        panic_at(frame, "%s", what);
}

static void serve(unsigned vector)
{
    switch (vector) {
    case VECTOR_TIMER:
        time_interrupt();
        break;
    case VECTOR_RENDEZVOUS:
        rendezvous_interrupt();
        break;
    case VECTOR_KICK:
        irq_kicked();
        break;
    default: /* a request to choose again: the flag is set */
        break;
    }
}

void arch_trap(struct trap_frame *frame)
{
    struct cpu *cpu = this_cpu();
    unsigned vector = (unsigned)frame->vector;
    if (vector < VECTOR_LINES) {
        exception(frame);
        return;
    }
    if (contain_interrupt(frame)) {
        arch_end_of_interrupt();
        arch_send_interrupt(cpu->index, vector);
        return;
    }
    counts[vector]++;
    cpu->interrupts++;
    if (vector < VECTOR_LINES + VECTOR_LINE_COUNT) {
        irq_interrupt(vector - VECTOR_LINES);
    } else {
        if (vector != VECTOR_SPURIOUS)
            arch_end_of_interrupt();
        serve(vector);
    }
    schedule_if_asked();
}
