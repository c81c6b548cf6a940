/*
 * sched_slot.c - the slot `sched`: what a scheduler must offer, its queues' memory, and its records. The hand-over is
 * core/sched_handover.c's.
 */
#include "core/sched_slot.h"
#include "core/contain.h"
#include "core/heap.h"
#include "core/sched_private.h"
#include "core/sort.h"
#include <moult/abi.h>
#include <moult/errors.h>
#include <string.h>

static struct policy *occupant;
bool sched_order_is_global;

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

static void init_queues(void *argument)
{
    const struct policy *policy = argument;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        sched_ops_of(policy)->queue_init(sched_queue_of(policy, &cpus[cpu]), cpu);
}

static int renew(struct policy *policy)
{
    const struct module *module;
    memset(policy->memory, 0, cpu_count * sched_queue_stride(policy));
    return contain_call(init_queues, policy, &module);
}

static int reserve(struct policy *candidate, struct failure *why)
{
    candidate->memory = heap_alloc_zeroed(cpu_count, sched_queue_stride(candidate));
    if (!candidate->memory)
        return fail(why, -ENOMEM, "there is no memory for its queues");
    return renew(candidate) == 0 ? 0 : fail(why, -EPROTO, "its queues cannot be made: %s", contain_reason());
}

static void release(struct policy *policy)
{
    heap_free(policy->memory);
    policy->memory = NULL;
}

void sched_look_at(const struct policy *policy)
{
    sched_order_is_global = sched_ops_of(policy)->flags & SCHED_GLOBAL_ORDER;
    for (unsigned i = 0; i < cpu_count; i++) {
        cpus[i].attention &= ~ATTENTION_BALANCE;
        if (sched_order_is_global && cpu_count > 1)
            cpus[i].attention |= ATTENTION_BALANCE;
    }
}

static void install(struct policy *policy)
{
    occupant = policy;
    sched_handover.from = sched_handover.to = NULL;
    sched_look_at(policy);
    for (unsigned i = 0; i < cpu_count; i++)
        cpus[i].queue = sched_queue_of(policy, &cpus[i]);
}

bool sched_may_hold(const struct policy *policy)
{
    return policy == sched_handover.to || policy == (sched_handover.from ? sched_handover.from : occupant);
}

/* A question to a policy, and its answer. */
struct question {
    const struct sched_ops *ops;
    int answer;
};

static void ask_prepare(void *argument)
{
    struct question *question = argument;
    question->answer = question->ops->prepare();
}

static void tell_carry_on(void *argument)
{
    const struct question *question = argument;
    question->ops->carry_on();
}

static int prepare(struct policy *policy)
{
    const struct module *module;
    struct question question = {sched_ops_of(policy), 0};
    if (!question.ops->prepare || contain_call(ask_prepare, &question, &module) == 0)
        return question.answer > 0 ? -EPROTO : question.answer;
    slot_fault(SLOT_KIND_SCHED, module, contain_reason());
    return -EPROTO;
}

static void carry_on(struct policy *policy)
{
    const struct module *module;
    struct question question = {sched_ops_of(policy), 0};
    if (question.ops->carry_on && contain_call(tell_carry_on, &question, &module) != 0)
        slot_fault(SLOT_KIND_SCHED, module, contain_reason());
}

void sched_adopt(struct thread *thread)
{
    struct policy *policy = sched_handover.from ? sched_handover.to : occupant;
    thread->home = policy;
    thread->entity = (struct sched_entity *)thread->entities[policy->side];
    SCHED_CALL2(load, thread->entity, &thread->record);
}

bool sched_save(const struct policy *from, const struct sched_queue *queue, struct thread *thread)
{
    const uint32_t known = SCHED_HAS_SLICE | SCHED_HAS_LAG | SCHED_HAS_PRIVATE;
    struct sched_record said = {.version = SCHED_RECORD_VERSION}, *kept = &thread->record;
    sched_ops_of(from)->save(queue, thread->entity, &said);
    if (said.fields & ~known || (said.fields & SCHED_HAS_SLICE && said.slice > SCHED_SLICE_MAX) ||
        (said.fields & SCHED_HAS_LAG && (said.lag > SCHED_LAG_MAX || said.lag < -SCHED_LAG_MAX)) ||
        (said.fields & SCHED_HAS_PRIVATE && said.private_bytes > sizeof(said.private)))
        return false;
    if (said.fields & SCHED_HAS_SLICE)
        kept->slice = said.slice;
    if (said.fields & SCHED_HAS_LAG)
        kept->lag = said.lag;
    if (said.fields & SCHED_HAS_PRIVATE) {
        kept->family = said.family;
        kept->private_bytes = said.private_bytes;
        memcpy(kept->private, said.private, sizeof(kept->private));
    }
    kept->fields |= said.fields;
    return true;
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
    .functions = offsetof(struct sched_ops, queue_init),
    .moves = "threads",
    .validate = validate,
    .reserve = reserve,
    .renew = renew,
    .install = install,
    .prepare = prepare,
    .carry_on = carry_on,
    .dispatcher = &sched_dispatch_ops,
    .begin = sched_handover_begin,
    .step = sched_handover_step,
    .finish = sched_handover_finish,
    .breach = sched_handover_breach,
    .rebuild = sched_handover_rebuild,
    .release = release,
    .shadow = &sched_shadow_type,
};
