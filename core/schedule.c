/*
 * schedule.c - which thread runs now: block, preemption, tick, idle, and the long way of yield. core/relinquish.c has
 * the short ways.
 *
 * All of it runs with interrupts off under the queue lock of this CPU, which arch_switch() releases on the other
 * thread's stack. The core charges, asks the policy for a choice, verifies the choice, and switches.
 */
#include "core/schedule.h"
#include "core/console.h"
#include "core/idle_slot.h"
#include "core/schedule_private.h"
#include "core/swap.h"
#include "core/time.h"
#include <arch/fpu.h>
#include <arch/interrupts.h>
#include <arch/switch.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moult/module.h>

#define BALANCE_TICKS 8 /* between two looks at the other CPUs' load */

static void charge(struct cpu *cpu, struct thread *running)
{
    uint64_t cycles = charge_time(cpu, running);
    if (SCHED_HAS(charge) && running->queued_on == cpu)
        SCHED_CALL3(charge, cpu->queue, running->entity, cycles);
}

void schedule_charge(struct cpu *cpu)
{
    charge(cpu, cpu->current);
}

static struct thread *go_idle(struct cpu *cpu)
{
    cpu->attention |= ATTENTION_IDLE;
    return cpu->idle;
}

struct thread *schedule_any(struct cpu *cpu)
{
    struct thread *found = threads_find_queued(cpu);
    return found ? found : go_idle(cpu);
}

struct thread *schedule_without_policy(struct cpu *cpu, uintptr_t entity)
{
    swap_rescue(SLOT_KIND_SCHED, "chose what is not in the queue (%#lx)", entity);
    return schedule_any(cpu);
}

/* Asks the policy, which has threads in its queue, and verifies that its choice is one of them. */
static struct thread *choose(struct cpu *cpu, struct thread *running)
{
    uintptr_t entity = SLOT_RESULT2(SLOT_KIND_SCHED, sched_ops, choose, cpu->queue, entity_of(running));
    struct thread *next = thread_of(entity);
    if (__builtin_expect(!run_queue_has(cpu, next), 0))
        return schedule_without_policy(cpu, entity);
    if (SCHED_HAS(started) && next != running)
        SCHED_CALL3(started, cpu->queue, entity_of(running), entity);
    return next;
}

static struct thread *choose_urgent(struct cpu *cpu)
{
    struct thread *next = TAILQ_FIRST(&cpu->urgent);
    struct thread *running = cpu->current;
    if (running->urgent && running->state == THREAD_READY)
        return running;
    if (!next) {
        cpu->attention &= ~ATTENTION_URGENT;
        return NULL;
    }
    TAILQ_REMOVE(&cpu->urgent, next, urgent_link);
    if (running->queued_on == cpu)
        cpu->preempted = running;
    return next;
}

struct thread *schedule_pick(struct cpu *cpu)
{
    struct thread *next = NULL;
    if (cpu->attention & ATTENTION_URGENT)
        next = choose_urgent(cpu);
    if (next)
        return next;
    if (many_cpus())
        balance_pull(cpu, false);
    if (cpu->runnable == 0)
        return go_idle(cpu);
    next = choose(cpu, run_queue_running(cpu));
    cpu->preempted = NULL;
    return next;
}

static void leave_fpu(struct cpu *cpu, struct thread *previous)
{
    arch_fpu_save(previous->fpu);
    arch_fpu_allow(false);
    cpu->attention &= ~ATTENTION_FPU;
}

/* Goes on with `next`; releases the queue lock in every case. */
static void switch_to(struct cpu *cpu, struct thread *next)
{
    struct thread *previous = cpu->current;
    if (next == previous) {
        spin_unlock(&cpu->queue_lock);
        return;
    }
    if (cpu->attention & ATTENTION_FPU)
        leave_fpu(cpu, previous);
    if (previous->idle) {
        cpu->attention &= ~ATTENTION_IDLE;
        cpu->next_tick = cpu->charged_until + sched_tick_cycles;
        time_arm(cpu);
    }
    arch_switch(previous, next);
}

struct thread *schedule_yield_slowly(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *running = cpu->current, *next;
    spin_lock(&cpu->queue_lock);
    charge(cpu, running);
    if (running->urgent && !TAILQ_EMPTY(&cpu->urgent)) {
        next = TAILQ_FIRST(&cpu->urgent);
        TAILQ_REMOVE(&cpu->urgent, next, urgent_link);
        TAILQ_INSERT_TAIL(&cpu->urgent, running, urgent_link);
    } else {
        if (running->queued_on == cpu)
            SCHED_CALL2(yielded, cpu->queue, running->entity);
        next = schedule_pick(cpu);
    }
    if (next != running && cpu->attention & ATTENTION_FPU)
        leave_fpu(cpu, running);
    return next;
}

/* Not in core/relinquish.c: there the compiler takes registers for reserved that a caller elsewhere wants kept. */
void thread_yield(void)
{
    arch_need_frame();
    arch_yield();
}
EXPORT_SYMBOL(thread_yield);

/* A thread that is no longer ready needs no place elsewhere: it is given one when it wakes. Queue lock held. */
static void forget_displaced(struct cpu *cpu, struct thread *thread)
{
    TAILQ_REMOVE(&cpu->displaced, thread, urgent_link);
    thread->displaced = false;
    if (TAILQ_EMPTY(&cpu->displaced))
        cpu->attention &= ~ATTENTION_DISPLACED;
}

void schedule_block(enum sched_reason reason)
{
    struct cpu *cpu = this_cpu();
    struct thread *running = cpu->current;
    charge(cpu, running);
    if (running->queued_on)
        run_queue_dequeue(cpu, running, reason);
    if (running->displaced)
        forget_displaced(cpu, running);
    switch_to(cpu, schedule_pick(cpu));
}

/*
 * Puts threads that may no longer run here elsewhere; the one that still runs, after the switch that comes: by an
 * interrupt to ourselves.
 */
static void settle_displaced(struct cpu *cpu)
{
    struct thread *thread;
    spin_lock(&cpu->queue_lock);
    while ((thread = TAILQ_FIRST(&cpu->displaced)) && thread != cpu->current) {
        TAILQ_REMOVE(&cpu->displaced, thread, urgent_link);
        spin_unlock(&cpu->queue_lock);
        thread_place(thread);
        spin_lock(&cpu->queue_lock);
    }
    if (!thread)
        cpu->attention &= ~ATTENTION_DISPLACED;
    spin_unlock(&cpu->queue_lock);
    if (thread) {
        cpu->reschedule = 1;
        arch_send_interrupt(cpu->index, VECTOR_RESCHEDULE);
    }
}

static void choose_again(struct cpu *cpu)
{
    cpu->reschedule = 0;
    if (!TAILQ_EMPTY(&cpu->displaced))
        settle_displaced(cpu);
    spin_lock(&cpu->queue_lock);
    charge(cpu, cpu->current);
    switch_to(cpu, schedule_pick(cpu));
}

void schedule_if_asked(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu->reschedule)
        choose_again(cpu);
}

void schedule_ask(struct cpu *cpu)
{
    cpu->reschedule = 1;
    if (cpu != this_cpu())
        arch_send_interrupt(cpu->index, VECTOR_RESCHEDULE);
}

/* Ticks keep their rhythm; those that a stop of all CPUs has swallowed are not made up for. */
static uint64_t next_tick(const struct cpu *cpu)
{
    uint64_t next = cpu->next_tick + sched_tick_cycles;
    return next > cpu->charged_until ? next : cpu->charged_until + sched_tick_cycles;
}

void schedule_tick(struct cpu *cpu)
{
    struct thread *running = cpu->current;
    spin_lock(&cpu->queue_lock);
    cpu->ticks++;
    charge(cpu, running);
    if (running->queued_on == cpu &&
        (SLOT_RESULT2(SLOT_KIND_SCHED, sched_ops, tick, cpu->queue, running->entity) & 0xff))
        cpu->reschedule = 1;
    if (cpu_count > 1 && cpu->ticks % BALANCE_TICKS == 0) {
        balance_pull(cpu, true);
        cpu->reschedule = 1;
    }
    spin_unlock(&cpu->queue_lock);
    cpu->next_tick = running->idle ? NO_DEADLINE : next_tick(cpu);
}

/*
 * A waking CPU takes what others have too much of, or waits for an interrupt; time_arm() has set the timer for its
 * sleepers.
 */
void schedule_idle(void)
{
    struct cpu *cpu = this_cpu();
    for (;;) {
        arch_interrupts_disable();
        choose_again(cpu);
        if (cpu->reschedule) { /* another CPU's queue was locked: that CPU is to get on, and interrupts to come */
            arch_interrupts_enable();
            arch_relax();
        } else if (console_lags()) {
            arch_interrupts_enable();
            console_show_log();
        } else {
            idle_wait(cpu);
        }
    }
}
