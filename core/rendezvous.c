/*
 * rendezvous.c - every CPU waits in the core while one works; TLB flushes; the start of the other CPUs.
 *
 * The one that works raises `number` and interrupts the others, which note it in rendezvous_seen, wait until
 * `released` has reached it, and go on. The lock makes rendezvous one at a time; a CPU enters only from where
 * interrupts are on, so none holds a spin lock. Whoever waits for the lock has interrupts on, and so takes part; that
 * it is a spin lock keeps a rendezvous from waiting for threads that wait for a CPU.
 */
#include "core/rendezvous.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/options.h"
#include "core/panic.h"
#include "core/schedule.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/vm.h"
#include <arch/interrupts.h>
#include <arch/machine.h>
#include <arch/memory.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moult/errors.h>

struct cpu cpus[CPU_MAX];
unsigned cpu_count = 1;

static struct spinlock one_at_a_time;
static volatile uint32_t number, released;

static void leave(void)
{
    arch_flush_all();
    arch_serialise();
}

void rendezvous_interrupt(void)
{
    struct cpu *cpu = this_cpu();
    uint32_t mine = number;
    if (cpu->rendezvous_seen == mine)
        return;
    cpu->held_at = (uintptr_t)__builtin_frame_address(0);
    __atomic_store_n(&cpu->rendezvous_seen, mine, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&released, __ATOMIC_ACQUIRE) != mine)
        arch_relax();
    leave();
}

static void gather(const struct cpu *self)
{
    __atomic_store_n(&number, number + 1, __ATOMIC_SEQ_CST);
    arch_send_interrupt_others(VECTOR_RENDEZVOUS);
    for (unsigned i = 0; i < cpu_count; i++)
        while (&cpus[i] != self && cpus[i].online && cpus[i].rendezvous_seen != number)
            arch_relax();
}

/* Interrupts are on before, and off after it. */
static void wait_for_turn(void)
{
    arch_interrupts_disable();
    while (!spin_try(&one_at_a_time)) {
        arch_interrupts_enable();
        arch_relax();
        arch_interrupts_disable();
    }
}

uint64_t rendezvous(void (*work)(void *argument), void *argument)
{
    struct cpu *self;
    uint64_t began;
    wait_for_turn();
    began = arch_clock();
    self = this_cpu();
    if (cpu_count > 1)
        gather(self);
    work(argument);
    __atomic_store_n(&released, number, __ATOMIC_RELEASE);
    leave();
    began = arch_clock() - began;
    spin_unlock(&one_at_a_time);
    schedule_if_asked();
    arch_interrupts_enable();
    return began;
}

static void nothing(void *unused)
{
    (void)unused;
}

void smp_flush_tlb(void)
{
    if (cpu_count == 1)
        arch_flush_all();
    else
        rendezvous(nothing, NULL);
}

/* Where another CPU begins, on its idle thread's stack, interrupts off. */
void cpu_main(struct cpu *cpu)
{
    arch_local_init();
    arch_timer_init();
    cpu->charged_until = arch_clock();
    cpu->next_tick = NO_DEADLINE;
    cpu->rendezvous_seen = number;
    __atomic_store_n(&cpu->online, true, __ATOMIC_SEQ_CST);
    schedule_idle();
}

void cpu_prepare(struct cpu *cpu, unsigned index)
{
    cpu->self = cpu;
    cpu->index = index;
    cpu->lock_owner = index + 1;
    cpu->attention = ATTENTION_IDLE;
    TAILQ_INIT(&cpu->urgent);
    TAILQ_INIT(&cpu->displaced);
}

static int start(unsigned index)
{
    struct cpu *cpu = &cpus[index];
    struct thread *idle = thread_create_idle(cpu);
    if (!idle || arch_interrupt_stacks_init(cpu) != 0)
        return -ENOMEM;
    cpu->current = idle;
    return arch_cpu_start(index, cpu, idle->stack + THREAD_STACK_PAGES * PAGE_SIZE);
}

void smp_count(void)
{
    extern const struct cpu_site cpu_sites_start[], cpu_sites_end[];
    uint64_t wanted = option_number("cpus", CPU_MAX);
    unsigned there = arch_cpu_count();
    cpu_count = wanted > 0 && wanted < there ? (unsigned)wanted : there;
    for (unsigned i = 1; i < cpu_count; i++)
        cpu_prepare(&cpus[i], i);
    if (cpu_count == 1)
        return;
    arch_patch_begin();
    for (const struct cpu_site *site = cpu_sites_start; site < cpu_sites_end; site++)
        arch_patch_jump(site->address, site->target);
    arch_patch_end();
}

void smp_start(void)
{
    for (unsigned i = 1; i < cpu_count; i++) {
        int result = start(i);
        if (result != 0)
            log_line("CPU %u did not start: %s", i, error_sentence(result));
    }
}
