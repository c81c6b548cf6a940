/*
 * sched_slot.c - the slot `sched`: its queues' memory, and the hand-over of every thread from one scheduler to the
 * next.
 *
 * The hand-over runs in a rendezvous. The old scheduler is emptied in its own order of choice, one record a thread,
 * each checked and kept by the core; then the new one is filled in the same order. If anything is wrong, the same is
 * done backwards, and the old one has every thread again.
 */
#include "core/sched_slot.h"
#include "core/heap.h"
#include "core/run_queue.h"
#include "core/sort.h"
#include <moult/abi.h>
#include <moult/errors.h>
#include <string.h>

static struct policy *occupant;
bool sched_order_is_global;

static const struct sched_ops *ops_of(const struct policy *policy)
{
    return policy->ops;
}

static size_t queue_stride(const struct policy *policy)
{
    return (ops_of(policy)->queue_bytes + 63u) & ~63u;
}

static struct sched_queue *queue_of(const struct policy *policy, unsigned cpu)
{
    return (struct sched_queue *)((uint8_t *)policy->memory + cpu * queue_stride(policy));
}

static int validate(const void *table, struct failure *why)
{
    const struct sched_ops *ops = table;
    if (ops->entity_bytes > SCHED_ENTITY_BYTES || ops->queue_bytes > SCHED_QUEUE_BYTES)
        return fail(why, -E2BIG, "it wants %u bytes a thread and %u a CPU; there are %u and %u", ops->entity_bytes,
                    ops->queue_bytes, SCHED_ENTITY_BYTES, SCHED_QUEUE_BYTES);
    if (ops->record_version != SCHED_RECORD_VERSION)
        return fail(why, -EABI, "it speaks version %u of the scheduler's record, the kernel %u", ops->record_version,
                    SCHED_RECORD_VERSION);
    if (ops->flags & ~SCHED_GLOBAL_ORDER)
        return fail(why, -EINVAL, "its flags %#x are not known", ops->flags);
    if (!ops->queue_init || !ops->load || !ops->save || !ops->enqueue || !ops->dequeue || !ops->choose || !ops->tick ||
        !ops->offer)
        return fail(why, -EINVAL, "it lacks one of queue_init, load, save, enqueue, dequeue, choose, tick, offer");
    if (ops->flags & SCHED_GLOBAL_ORDER && !ops->preempts)
        return fail(why, -EINVAL, "an order across CPUs needs preempts");
    return 0;
}

static void renew(struct policy *policy)
{
    memset(policy->memory, 0, cpu_count * queue_stride(policy));
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        ops_of(policy)->queue_init(queue_of(policy, cpu), cpu);
}

static int reserve(struct policy *candidate, struct failure *why)
{
    candidate->memory = heap_alloc_zeroed(cpu_count, queue_stride(candidate));
    if (!candidate->memory)
        return fail(why, -ENOMEM, "there is no memory for its queues");
    renew(candidate);
    return 0;
}

static void release(struct policy *policy)
{
    heap_free(policy->memory);
    policy->memory = NULL;
}

static void install(struct policy *policy)
{
    occupant = policy;
    sched_order_is_global = ops_of(policy)->flags & SCHED_GLOBAL_ORDER;
    for (unsigned i = 0; i < cpu_count; i++) {
        cpus[i].queue = queue_of(policy, i);
        cpus[i].attention &= ~ATTENTION_BALANCE;
        if (sched_order_is_global && cpu_count > 1)
            cpus[i].attention |= ATTENTION_BALANCE;
    }
}

static int prepare(struct policy *policy)
{
    return ops_of(policy)->prepare ? ops_of(policy)->prepare() : 0;
}

static void carry_on(struct policy *policy)
{
    if (ops_of(policy)->carry_on)
        ops_of(policy)->carry_on();
}

void sched_adopt(struct thread *thread)
{
    thread->home = occupant;
    thread->entity = (struct sched_entity *)thread->entities[occupant->side];
    ops_of(occupant)->load(thread->entity, &thread->record);
}

/* Takes over into the core's copy what a scheduler has written, if it is within bounds. */
static int accept_record(struct thread *thread, const struct sched_record *said, struct failure *why)
{
    struct sched_record *kept = &thread->record;
    const uint32_t known = SCHED_HAS_SLICE | SCHED_HAS_LAG | SCHED_HAS_PRIVATE;
    if (said->fields & ~known || (said->fields & SCHED_HAS_SLICE && said->slice > SCHED_SLICE_MAX) ||
        (said->fields & SCHED_HAS_LAG && (said->lag > SCHED_LAG_MAX || said->lag < -SCHED_LAG_MAX)) ||
        (said->fields & SCHED_HAS_PRIVATE && said->private_bytes > sizeof(said->private)))
        return fail(why, -EPROTO, "the record of thread %u is out of bounds", thread->facts.thread);
    if (said->fields & SCHED_HAS_SLICE)
        kept->slice = said->slice;
    if (said->fields & SCHED_HAS_LAG)
        kept->lag = said->lag;
    if (said->fields & SCHED_HAS_PRIVATE) {
        kept->family = said->family;
        kept->private_bytes = said->private_bytes;
        memcpy(kept->private, said->private, sizeof(kept->private));
    }
    kept->fields |= said->fields;
    return 0;
}

/* One hand-over under way: threads taken from `from`, in order, linked through hand_next. */
struct handover {
    struct policy *from, *to;
    struct thread *first,
        **last;  /* those taken out of queues: each CPU's in its order of choice, the running one first */
    bool filled; /* all queues were emptied, and `to` has their threads */
    uint64_t moved;
    uint64_t fail_after; /* to fail on purpose after so many; UINT64_MAX: never */
    struct failure *why;
    int result;
};

static int save_record(struct handover *move, const struct sched_queue *queue, struct thread *thread)
{
    struct sched_record said = {.version = SCHED_RECORD_VERSION};
    if (move->moved == move->fail_after)
        return fail(move->why, -EPROTO, "failed on purpose in transfer, after %lu threads", move->moved);
    ops_of(move->from)->save(queue, thread->entity, &said);
    return accept_record(thread, &said, move->why);
}

static int take_out(struct handover *move, struct cpu *cpu, struct thread *thread)
{
    int result = save_record(move, queue_of(move->from, cpu->index), thread);
    if (result != 0)
        return result;
    ops_of(move->from)->dequeue(queue_of(move->from, cpu->index), thread->entity, SCHED_HANDOVER);
    thread->hand_cpu = cpu;
    thread->hand_next = NULL;
    *move->last = thread;
    move->last = &thread->hand_next;
    thread->queued_on = NULL;
    move->moved++;
    return 0;
}

static int empty_queue(struct handover *move, struct cpu *cpu)
{
    struct thread *running = run_queue_running(cpu);
    uint32_t left = cpu->runnable;
    int result = 0;
    if (running) {
        result = take_out(move, cpu, running);
        left--;
    }
    for (; left > 0 && result == 0; left--) {
        struct sched_entity *next = ops_of(move->from)->choose(queue_of(move->from, cpu->index), NULL);
        if (!run_queue_has(cpu, thread_of((uintptr_t)next)))
            return fail(move->why, -EPROTO, "%s has lost a thread of CPU %u", move->from->name, cpu->index);
        result = take_out(move, cpu, thread_of((uintptr_t)next));
    }
    if (result == 0 && ops_of(move->from)->choose(queue_of(move->from, cpu->index), NULL))
        return fail(move->why, -EPROTO, "%s has more threads on CPU %u than there are", move->from->name, cpu->index);
    return result;
}

/* Gives what was taken out to `to`, in the same order; the one that ran on each CPU is told to run again. */
static void fill_queues(struct handover *move, struct policy *to)
{
    for (struct thread *thread = move->first; thread; thread = thread->hand_next) {
        struct cpu *cpu = thread->hand_cpu;
        struct sched_queue *queue = queue_of(to, cpu->index);
        thread->home = to;
        thread->entity = (struct sched_entity *)thread->entities[to->side];
        ops_of(to)->load(thread->entity, &thread->record);
        ops_of(to)->enqueue(queue, thread->entity, SCHED_HANDOVER);
        thread->queued_on = cpu;
        if (run_queue_running(cpu) == thread && ops_of(to)->started)
            ops_of(to)->started(queue, NULL, thread->entity);
    }
}

static bool in_no_queue(const struct thread *thread)
{
    return !thread->queued_on && !thread->urgent && !thread->idle && thread->state != THREAD_ENDED;
}

static bool move_waiting(struct thread *thread, void *argument)
{
    struct handover *move = argument;
    if (!in_no_queue(thread) || thread->home == move->to)
        return true;
    move->result = save_record(move, NULL, thread);
    if (move->result != 0)
        return false;
    thread->home = move->to;
    thread->entity = (struct sched_entity *)thread->entities[move->to->side];
    ops_of(move->to)->load(thread->entity, &thread->record);
    move->moved++;
    return true;
}

static bool return_waiting(struct thread *thread, void *argument)
{
    struct handover *move = argument;
    if (thread->home != move->to || thread->urgent || thread->idle)
        return true;
    thread->home = move->from;
    thread->entity = (struct sched_entity *)thread->entities[move->from->side];
    ops_of(move->from)->load(thread->entity, &thread->record);
    return true;
}

/*
 * The gate of the commit: each of the new scheduler's queues has a choice exactly if the core knows of threads there,
 * and it is one of them.
 */
static int verify(struct handover *move)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        struct thread *running = run_queue_running(&cpus[i]);
        struct sched_entity *next = ops_of(move->to)->choose(queue_of(move->to, i), entity_of(running));
        if (!next != (cpus[i].runnable == 0) || (next && !run_queue_has(&cpus[i], thread_of((uintptr_t)next))))
            return fail(move->why, -EPROTO, "%s does not choose among the threads that it was given on CPU %u",
                        move->to->name, i);
    }
    return 0;
}

/*
 * Takes what is left out of the old scheduler's queues, so that everything can go back in the order in which it
 * stood.
 */
static void drain(struct handover *move)
{
    move->fail_after = UINT64_MAX;
    move->why = NULL;
    for (unsigned i = 0; i < cpu_count; i++) {
        struct cpu *cpu = &cpus[i];
        struct thread *next = run_queue_running(cpu);
        while (run_queue_has(cpu, next) && take_out(move, cpu, next) == 0)
            next = thread_of((uintptr_t)ops_of(move->from)->choose(queue_of(move->from, i), NULL));
    }
}

/* Undoes a hand-over. The new scheduler is not asked for anything: its memory is thrown away. */
static void give_back(struct handover *move)
{
    for (struct thread *thread = move->first; thread; thread = thread->hand_next)
        thread->queued_on = NULL;
    if (!move->filled)
        drain(move);
    fill_queues(move, move->from);
    threads_visit_held(return_waiting, move);
}

static int transfer(struct policy *from, struct policy *to, uint64_t *moved, bool fail_on_purpose, struct failure *why)
{
    struct handover move = {.from = from, .to = to, .fail_after = UINT64_MAX, .why = why};
    move.last = &move.first;
    if (fail_on_purpose)
        move.fail_after = threads_count() / 2;
    for (unsigned i = 0; i < cpu_count && move.result == 0; i++)
        move.result = empty_queue(&move, &cpus[i]);
    if (move.result == 0) {
        fill_queues(&move, to);
        move.filled = true;
        threads_visit_held(move_waiting, &move);
    }
    if (move.result == 0)
        move.result = verify(&move);
    if (move.result != 0)
        give_back(&move);
    *moved = move.moved;
    return move.result;
}

/* Lists a thread that is in a queue, without asking anyone. */
static bool list_queued(struct thread *thread, void *argument)
{
    struct handover *move = argument;
    if (!thread->queued_on)
        return true;
    thread->hand_cpu = thread->queued_on;
    thread->queued_on = NULL;
    thread->hand_next = NULL;
    *move->last = thread;
    move->last = &thread->hand_next;
    move->moved++;
    return true;
}

static bool adopt_waiting(struct thread *thread, void *argument)
{
    struct handover *move = argument;
    if (!in_no_queue(thread))
        return true;
    thread->home = move->to;
    thread->entity = (struct sched_entity *)thread->entities[move->to->side];
    ops_of(move->to)->load(thread->entity, &thread->record);
    move->moved++;
    return true;
}

static void rebuild(struct policy *to, uint64_t *moved)
{
    struct handover move = {.to = to};
    move.last = &move.first;
    threads_visit_held(list_queued, &move);
    threads_visit_held(adopt_waiting, &move);
    fill_queues(&move, to);
    *moved = move.moved;
}

static int by_thread(const void *a, const void *b)
{
    const struct sched_record_info *first = a, *second = b;
    return first->thread < second->thread ? -1 : first->thread > second->thread;
}

struct snapshot {
    struct sched_record_info *list;
    size_t count, capacity;
};

static bool snapshot_one(struct thread *thread, void *argument)
{
    struct snapshot *snapshot = argument;
    if (!thread->home || thread->urgent || thread->idle)
        return true;
    if (snapshot->count == snapshot->capacity)
        return false;
    snapshot->list[snapshot->count++] = (struct sched_record_info){thread->facts.thread, thread->record};
    return true;
}

int sched_records_snapshot(struct sched_record_info **list)
{
    struct snapshot snapshot = {.capacity = threads_count() + 16};
    snapshot.list = heap_alloc(snapshot.capacity * sizeof(*snapshot.list));
    if (!snapshot.list)
        return -ENOMEM;
    threads_visit(snapshot_one, &snapshot);
    sort(snapshot.list, snapshot.count, sizeof(*snapshot.list), by_thread);
    *list = snapshot.list;
    return (int)snapshot.count;
}

const struct slot_type sched_slot_type = {
    .name = "sched",
    .abi = MOULT_ABI_sched,
    .ops_size = sizeof(struct sched_ops),
    .validate = validate,
    .reserve = reserve,
    .renew = renew,
    .install = install,
    .prepare = prepare,
    .carry_on = carry_on,
    .transfer = transfer,
    .rebuild = rebuild,
    .release = release,
};
