/*
 * calls.c - what being replaceable costs a call: the same function of the scheduler, through its slot and as a plain
 * call.
 */
#include "bench/bench.h"
#include "bench/slot_loop.h"
#include "core/run_queue.h"
#include "core/sched_slot.h"
#include "core/slot.h"

/*
 * Choosing has no effect, so it can be asked in vain. Both loops: the same arguments, one call instruction, the same
 * function. The one through the slot is bench/slot_loop.c's.
 */
static uint64_t through_slot(void)
{
    uint64_t start = arch_clock();
    slot_loop_calls = SLOT_LOOP_CALLS;
    __asm__ volatile("call slot_loop" ::
                         : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                           "r15", "memory", "cc");
    return arch_clock() - start;
}

static uint64_t plainly(struct cpu *cpu, uintptr_t function)
{
    uint64_t start = arch_clock();
    for (int i = 0; i < SLOT_LOOP_CALLS; i++) {
        uintptr_t queue = (uintptr_t)cpu->queue, running = 0;
        __asm__ volatile("call *%2"
                         : "+D"(queue), "+S"(running)
                         : "b"(function)
                         : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    }
    return arch_clock() - start;
}

static int run_slot_call(struct bench *bench, struct failure *why)
{
    bench->plain = UINT64_MAX;
    (void)why;
    for (int batch = 0; batch < BENCH_BATCHES; batch++) {
        const struct sched_ops *ops = slot_find("sched")->occupant->ops;
        unsigned long flags = arch_interrupts_save();
        struct cpu *cpu = this_cpu();
        uint64_t slot, plain;
        spin_lock(&cpu->queue_lock);
        slot = through_slot();
        plain = plainly(cpu, (uintptr_t)ops->choose);
        spin_unlock_restore(&cpu->queue_lock, flags);
        bench_sample(bench, slot, SLOT_LOOP_CALLS);
        plain = (plain - bench->clock_pair + SLOT_LOOP_CALLS - 1) / SLOT_LOOP_CALLS;
        if (plain < bench->plain)
            bench->plain = plain;
    }
    return 0;
}

const struct bench_path bench_slot_call = {.name = "slot-call",
                                           .summary = "a call through a slot against a plain call",
                                           .cpus = 1,
                                           .plain_name = "plain",
                                           .run = run_slot_call};
