/*
 * balance.c - placement and load balance: on which CPU's queue a thread stands. The scheduler supplies order only.
 *
 * A CPU holds its own queue lock and only tries another's, so that two CPUs that look at each other cannot wait for
 * each other. What is read of another CPU without its lock may be stale: that costs balance, never correctness.
 */
#include "core/run_queue.h"
#include "core/sched_slot.h"
#include "core/schedule.h"
#include "core/swap.h"

static bool allowed(const struct thread *thread, const struct cpu *cpu)
{
    return cpu->online && (thread->facts.affinity >> cpu->index & 1);
}

/* With an order across CPUs: is what `cpu` runs to give way to what `other` runs? */
static bool runs_less_important(struct cpu *cpu, struct cpu *other)
{
    const struct thread *there = run_queue_running(other);
    return there && run_queue_preempts(cpu, there);
}

/*
 * The last CPU if it is idle, since its caches know the thread; else, with an order across CPUs, the one that runs
 * what is least important, if the thread should run there at once; else the one with the least load.
 */
struct cpu *balance_place(struct thread *thread)
{
    struct cpu *last = &cpus[thread->facts.cpu], *lightest = NULL, *giving = NULL;
    if (allowed(thread, last) && (thread->urgent || last->runnable == 0))
        return last;
    for (unsigned i = 0; i < cpu_count; i++) {
        struct cpu *cpu = &cpus[i];
        if (!allowed(thread, cpu))
            continue;
        if (!lightest || cpu->load < lightest->load || (cpu->load == lightest->load && cpu == last))
            lightest = cpu;
        if (sched_global_order() && run_queue_preempts(cpu, thread) && (!giving || runs_less_important(cpu, giving)))
            giving = cpu;
    }
    if (giving)
        return giving;
    return lightest ? lightest : last;
}

struct thread *run_queue_offer(struct cpu *from, unsigned to)
{
    const struct thread *running = run_queue_running(from);
    uintptr_t entity = SLOT_RESULT3(SLOT_KIND_SCHED, sched_ops, offer, from->queue, entity_of(running), to,
                                    (uintptr_t)NULL);
    struct thread *thread = thread_of(entity);
    if (!entity)
        return NULL;
    if (!run_queue_has(from, thread) || thread == from->current || !(thread->facts.affinity >> to & 1)) {
        swap_rescue(SLOT_KIND_SCHED, "offered a thread that may not move (%#lx)", entity);
        return NULL;
    }
    return thread;
}

static void move(struct cpu *from, struct cpu *to, struct thread *thread)
{
    run_queue_dequeue(from, thread, SCHED_MIGRATE);
    thread->facts.cpu = to->index;
    run_queue_enqueue(to, thread, SCHED_MIGRATE);
}

/* What this CPU would run if nothing came to it; NULL: its idle thread. The choice has no effect. */
static struct thread *would_run(struct cpu *cpu)
{
    uintptr_t entity;
    if (cpu->runnable == 0)
        return NULL;
    entity = SLOT_RESULT2(SLOT_KIND_SCHED, sched_ops, choose, cpu->queue, entity_of(run_queue_running(cpu)));
    return run_queue_has(cpu, thread_of(entity)) ? thread_of(entity) : NULL;
}

/* Is it right that `thread` leaves `from` for `to`? */
static bool worth_moving(struct cpu *from, struct cpu *to, const struct thread *thread, const struct thread *otherwise)
{
    if (!otherwise)
        return true;
    if (sched_global_order())
        return SLOT_RESULT3(SLOT_KIND_SCHED, sched_ops, preempts, to->queue, otherwise->entity, thread->entity, 0) &
               0xff;
    return from->load > to->load && from->load - to->load > thread->facts.weight;
}

static void pull_from(struct cpu *from, struct cpu *to)
{
    struct thread *offered;
    if (!spin_try(&from->queue_lock)) {
        to->reschedule = 1;
        return;
    }
    offered = run_queue_offer(from, to->index);
    if (offered && worth_moving(from, to, offered, would_run(to)))
        move(from, to, offered);
    spin_unlock(&from->queue_lock);
}

void balance_pull(struct cpu *cpu, bool periodic)
{
    struct cpu *heaviest = NULL;
    bool global = sched_global_order();
    if (cpu->runnable > 0 && !global && !periodic)
        return;
    for (unsigned i = 0; i < cpu_count; i++) {
        struct cpu *other = &cpus[i];
        if (other == cpu || !other->online || other->runnable < 2)
            continue;
        if (global)
            pull_from(other, cpu);
        else if (!heaviest || other->load > heaviest->load)
            heaviest = other;
    }
    if (heaviest)
        pull_from(heaviest, cpu);
}
