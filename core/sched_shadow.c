/*
 * sched_shadow.c - the scheduler's slot while a candidate runs in shadow: each call goes to the occupant, whose answer
 * counts, and then to the candidate.
 *
 * The candidate has the half of every thread's entities that the occupant has not, and queues of its own. In place of
 * a policy's queue the core passes the CPU, as in a hand-over. Context: as in moult/sched.h.
 */
#include "core/contain.h"
#include "core/sched_private.h"
#include "core/shadow.h"
#include "core/thread_table.h"
#include <moult/errors.h>

/* Changes in a rendezvous. */
static struct policy *occupant, *candidate;

enum decision { CHOOSE, PREEMPTS, TICK, OFFER };

/* A call of one of the candidate's functions. */
struct call {
    void (*make)(struct call *call);
    const struct sched_ops *ops;
    struct sched_queue *queue;
    struct sched_entity *entity, *other; /* the candidate's */
    const struct sched_record *record;
    uint64_t number;
    uintptr_t answer;
};

static const struct slot *slot(void)
{
    return slot_at(SLOT_KIND_SCHED);
}

/* The candidate's entity of the thread whose the occupant's is. */
static struct sched_entity *twin(const struct sched_entity *entity)
{
    return entity ? (struct sched_entity *)thread_of((uintptr_t)entity)->entities[candidate->side] : NULL;
}

static struct cpu *cpu_of(struct sched_queue *queue)
{
    return (struct cpu *)queue;
}

static struct call call_of(void (*make)(struct call *), struct sched_queue *queue, const struct sched_entity *entity)
{
    return (struct call){.make = make,
                         .ops = sched_ops_of(candidate),
                         .queue = queue ? sched_queue_of(candidate, cpu_of(queue)) : NULL,
                         .entity = twin(entity)};
}

static void make_call(void *argument)
{
    struct call *call = argument;
    call->make(call);
}

/* Calls the candidate. False: it has failed, now or before. */
static bool call_candidate(struct call *call)
{
    const char *why;
    if (shadow_has_failed(slot()))
        return false;
    why = contain_try(make_call, call);
    if (why)
        shadow_failed(slot(), why);
    return !why;
}

static void make_load(struct call *call)
{
    call->ops->load(call->entity, call->record);
}

static void shadow_load(struct sched_entity *entity, const struct sched_record *record)
{
    struct call call = call_of(make_load, NULL, entity);
    sched_ops_of(occupant)->load(entity, record);
    call.record = record;
    call_candidate(&call);
}

static void make_enqueue(struct call *call)
{
    call->ops->enqueue(call->queue, call->entity, (enum sched_reason)call->number);
}

static void shadow_enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    struct call call = call_of(make_enqueue, queue, entity);
    sched_ops_of(occupant)->enqueue(sched_queue_of(occupant, cpu_of(queue)), entity, reason);
    call.number = reason;
    call_candidate(&call);
}

static void make_dequeue(struct call *call)
{
    call->ops->dequeue(call->queue, call->entity, (enum sched_reason)call->number);
}

static void shadow_dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
{
    struct call call = call_of(make_dequeue, queue, entity);
    sched_ops_of(occupant)->dequeue(sched_queue_of(occupant, cpu_of(queue)), entity, reason);
    call.number = reason;
    call_candidate(&call);
}

static uint32_t number_of(uintptr_t entity)
{
    return entity ? thread_of(entity)->facts.thread : 0;
}

static void make_choose(struct call *call)
{
    call->answer = (uintptr_t)call->ops->choose(call->queue, call->entity);
}

static struct sched_entity *shadow_choose(struct sched_queue *queue, struct sched_entity *running)
{
    struct call call = call_of(make_choose, queue, running);
    struct cpu *cpu = cpu_of(queue);
    struct sched_entity *chosen = sched_ops_of(occupant)->choose(sched_queue_of(occupant, cpu), running);
    if (!run_queue_has(cpu, thread_of((uintptr_t)chosen)) || !call_candidate(&call))
        return chosen;
    if (run_queue_has(cpu, thread_of(call.answer)))
        shadow_note(slot(), CHOOSE, number_of((uintptr_t)chosen), number_of(call.answer));
    else
        shadow_failed(slot(), "chose what is not in the queue");
    return chosen;
}

static void make_started(struct call *call)
{
    if (call->ops->started)
        call->ops->started(call->queue, call->other, call->entity);
}

static void shadow_started(struct sched_queue *queue, struct sched_entity *previous, struct sched_entity *next)
{
    struct call call = call_of(make_started, queue, next);
    if (sched_ops_of(occupant)->started)
        sched_ops_of(occupant)->started(sched_queue_of(occupant, cpu_of(queue)), previous, next);
    call.other = twin(previous);
    call_candidate(&call);
}

static void make_charge(struct call *call)
{
    if (call->ops->charge)
        call->ops->charge(call->queue, call->entity, call->number);
}

static void shadow_charge(struct sched_queue *queue, struct sched_entity *running, uint64_t cycles)
{
    struct call call = call_of(make_charge, queue, running);
    if (sched_ops_of(occupant)->charge)
        sched_ops_of(occupant)->charge(sched_queue_of(occupant, cpu_of(queue)), running, cycles);
    call.number = cycles;
    call_candidate(&call);
}

static void make_yielded(struct call *call)
{
    if (call->ops->yielded)
        call->ops->yielded(call->queue, call->entity);
}

static void shadow_yielded(struct sched_queue *queue, struct sched_entity *running)
{
    struct call call = call_of(make_yielded, queue, running);
    if (sched_ops_of(occupant)->yielded)
        sched_ops_of(occupant)->yielded(sched_queue_of(occupant, cpu_of(queue)), running);
    call_candidate(&call);
}

static void make_tick(struct call *call)
{
    call->answer = call->ops->tick(call->queue, call->entity);
}

static bool shadow_tick(struct sched_queue *queue, struct sched_entity *running)
{
    struct call call = call_of(make_tick, queue, running);
    bool due = sched_ops_of(occupant)->tick(sched_queue_of(occupant, cpu_of(queue)), running);
    if (call_candidate(&call))
        shadow_note(slot(), TICK, due, call.answer);
    return due;
}

static void make_preempts(struct call *call)
{
    call->answer = call->ops->preempts && call->ops->preempts(call->queue, call->entity, call->other);
}

static bool shadow_preempts(struct sched_queue *queue, struct sched_entity *running, struct sched_entity *waiting)
{
    struct call call = call_of(make_preempts, queue, running);
    const struct sched_ops *ops = sched_ops_of(occupant);
    bool preempts = ops->preempts && ops->preempts(sched_queue_of(occupant, cpu_of(queue)), running, waiting);
    call.other = twin(waiting);
    if (call_candidate(&call))
        shadow_note(slot(), PREEMPTS, preempts, call.answer);
    return preempts;
}

static void make_offer(struct call *call)
{
    call->answer = (uintptr_t)call->ops->offer(call->queue, call->entity, (unsigned)call->number);
}

static struct sched_entity *shadow_offer(struct sched_queue *queue, struct sched_entity *running, unsigned to)
{
    struct call call = call_of(make_offer, queue, running);
    struct cpu *cpu = cpu_of(queue);
    struct sched_entity *offered = sched_ops_of(occupant)->offer(sched_queue_of(occupant, cpu), running, to);
    call.number = to;
    if ((offered && !run_queue_has(cpu, thread_of((uintptr_t)offered))) || !call_candidate(&call))
        return offered;
    if (!call.answer || run_queue_has(cpu, thread_of(call.answer)))
        shadow_note(slot(), OFFER, number_of((uintptr_t)offered), number_of(call.answer));
    else
        shadow_failed(slot(), "offered what is not in the queue");
    return offered;
}

static const struct sched_ops shadow_ops = {
    .load = shadow_load,
    .enqueue = shadow_enqueue,
    .dequeue = shadow_dequeue,
    .choose = shadow_choose,
    .started = shadow_started,
    .charge = shadow_charge,
    .yielded = shadow_yielded,
    .tick = shadow_tick,
    .preempts = shadow_preempts,
    .offer = shadow_offer,
};

/* The candidate gets one thread, as the occupant says that it stands. Long work: the watchdog is to see it get on. */
static bool copy_thread(struct thread *thread, void *good)
{
    struct cpu *cpu = thread->queued_on;
    const struct sched_queue *queue = cpu ? sched_queue_of(occupant, cpu) : NULL;
    struct sched_queue *own;
    if (thread->urgent || thread->idle || thread->state == THREAD_ENDED)
        return true;
    *(bool *)good &= sched_save(occupant, queue, thread);
    sched_ops_of(candidate)->load(twin(thread->entity), &thread->record);
    this_cpu()->progress++;
    if (!cpu)
        return true;
    own = sched_queue_of(candidate, cpu);
    sched_ops_of(candidate)->enqueue(own, twin(thread->entity), SCHED_HANDOVER);
    if (run_queue_running(cpu) == thread && sched_ops_of(candidate)->started)
        sched_ops_of(candidate)->started(own, NULL, twin(thread->entity));
    return true;
}

static void copy_all(void *good)
{
    threads_visit_held(copy_thread, good);
}

static int begin(struct policy *occupant_now, struct policy *candidate_now, struct failure *why)
{
    const struct module *culprit;
    bool good = true;
    occupant = occupant_now;
    candidate = candidate_now;
    if (contain_call(copy_all, &good, &culprit) != 0)
        return fail(why, -EPROTO, "the threads cannot be copied: %s", contain_reason());
    if (!good)
        return fail(why, -EPROTO, "%s writes a record that is out of bounds", occupant->name);
    for (unsigned i = 0; i < cpu_count; i++)
        cpus[i].queue = (struct sched_queue *)&cpus[i];
    return 0;
}

static void end(void)
{
    occupant = candidate = NULL;
}

const struct shadow_type sched_shadow_type = {
    .ops = &shadow_ops,
    .decisions = {[CHOOSE] = "choose", [PREEMPTS] = "preempts", [TICK] = "tick", [OFFER] = "offer"},
    .choice = "thread",
    .begin = begin,
    .end = end,
};
