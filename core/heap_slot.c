/*
 * heap_slot.c - the slot `heap`: what a heap must offer, its pools' memory, and whose spans are whose.
 *
 * A swap moves nothing. The new occupant gets a number of its own and begins without a span; those of the old one are
 * of a number that nobody has any more, and go with their last block, or, if they have none, in tidy().
 *
 * Concurrency: the swapper alone, and boot; the fallback's pools, which serve at any time, under the CPUs' locks.
 */
#include "core/heap_slot.h"
#include "core/contain.h"
#include "core/heap_private.h"
#include "core/spans.h"
#include "core/vm.h"
#include <moult/abi.h>
#include <moult/errors.h>
#include <moult/heap.h>
#include <string.h>

#define NAMES 64 /* of policies that had a number, so many are remembered */
#define POOL_ALIGNMENT 64ul

/* At the start of what reserve() takes; the pools follow. */
struct heap_memory {
    const struct heap_ops *ops;
    unsigned pools; /* one for each CPU that there may be */
    uint32_t number;
} __attribute__((aligned(POOL_ALIGNMENT)));

/* By number, modulo NAMES. */
static struct {
    uint32_t number;
    char name[MODULE_NAME_BYTES];
} names[NAMES];
static uint32_t last_number;

const char *heap_policy_name(uint32_t number)
{
    return number && names[number % NAMES].number == number ? names[number % NAMES].name : NULL;
}

static uint32_t new_number(const struct policy *policy)
{
    uint32_t number = ++last_number;

    names[number % NAMES].number = number;
    memcpy(names[number % NAMES].name, policy->name, MODULE_NAME_BYTES);
    return number;
}

static int validate(const void *table, struct failure *why)
{
    const struct heap_ops *ops = table;

    if (ops->pool_bytes > HEAP_POOL_BYTES || ops->span_bytes > HEAP_SPAN_BYTES)
        return fail(why, -E2BIG, "it wants %u bytes a CPU and %u a span; there are %u and %u", ops->pool_bytes,
                    ops->span_bytes, HEAP_POOL_BYTES, HEAP_SPAN_BYTES);
    if (!ops->pool_init || !ops->allocate || !ops->add || !ops->free)
        return fail(why, -EINVAL, "it lacks one of pool_init, allocate, add, free");
    return 0;
}

static size_t pool_stride(const struct heap_ops *ops)
{
    return (ops->pool_bytes + POOL_ALIGNMENT - 1) & -POOL_ALIGNMENT;
}

static struct heap_pool *pool_of(const struct heap_memory *memory, unsigned cpu)
{
    return (struct heap_pool *)((uint8_t *)memory + sizeof(*memory) + cpu * pool_stride(memory->ops));
}

static void init_pools(void *argument)
{
    const struct heap_memory *memory = argument;

    for (unsigned cpu = 0; cpu < memory->pools; cpu++) {
        memset(pool_of(memory, cpu), 0, pool_stride(memory->ops));
        memory->ops->pool_init(pool_of(memory, cpu), cpu);
    }
}

/* The fallback may be serving: it begins anew on one CPU after the other. */
static void renew_fallback(const struct heap_memory *memory)
{
    for (unsigned i = 0; i < memory->pools; i++) {
        struct heap_cpu *cpu = &heap_cpus[i];
        unsigned long flags = spin_lock_save(&cpu->lock);
        memset(pool_of(memory, i), 0, pool_stride(memory->ops));
        memory->ops->pool_init(pool_of(memory, i), i);
        cpu->fallback_pool = pool_of(memory, i);
        cpu->fallback_holder = heap_holder(memory->number, i);
        spin_unlock_restore(&cpu->lock, flags);
    }
}

static int renew(struct policy *policy)
{
    struct heap_memory *memory = policy->memory;
    const struct module *module;

    memory->number = 0;
    if (memory->ops != &heap_classes_ops)
        return contain_call(init_pools, memory, &module);
    memory->number = new_number(policy);
    renew_fallback(memory);
    return 0;
}

/* The pools' memory is no block of the heap, or it would be a block of the policy that is to leave. */
static int reserve(struct policy *candidate, struct failure *why)
{
    const struct heap_ops *ops = candidate->ops;
    unsigned pools = ops == &heap_classes_ops ? CPU_MAX : cpu_count;
    size_t bytes = sizeof(struct heap_memory) + pools * pool_stride(ops);
    struct heap_memory *memory = vm_alloc((bytes + PAGE_MASK) / PAGE_SIZE, false);

    if (!memory)
        return fail(why, -ENOMEM, "there is no memory for its pools");
    *memory = (struct heap_memory){.ops = ops, .pools = pools};
    candidate->memory = memory;
    return renew(candidate) == 0 ? 0 : fail(why, -EPROTO, "its pools cannot be made: %s", contain_reason());
}

static void install(struct policy *policy)
{
    struct heap_memory *memory = policy->memory;

    if (!memory->number)
        memory->number = new_number(policy);
    for (unsigned i = 0; i < memory->pools; i++) {
        heap_cpus[i].pool = pool_of(memory, i);
        heap_cpus[i].holder = heap_holder(memory->number, i);
    }
}

/* The core's tables are all there is: nothing is given to a policy that takes over. */
static int rebuild(struct policy *policy, uint64_t *moved)
{
    (void)policy;
    *moved = 0;
    return 0;
}

static void release(struct policy *policy)
{
    vm_free(policy->memory);
    policy->memory = NULL;
}

/* Does nobody hold this span any more, and is no block in it? Then it is nobody's from now on. */
static bool abandoned(struct span *span)
{
    struct heap_cpu *cpu = &heap_cpus[heap_holder_cpu(span->holder)];
    unsigned long flags = spin_lock_save(&cpu->lock);
    bool result = span->holder && !span->facts.live && span->holder != cpu->holder &&
                  span->holder != cpu->fallback_holder;

    if (result)
        span->holder = 0;
    spin_unlock_restore(&cpu->lock, flags);
    return result;
}

/* Former occupants' spans that were kept empty return their frames. */
static void tidy(void)
{
    for (size_t i = 0; i < span_arena.made; i++)
        if (abandoned(&span_arena.spans[i]))
            span_give(&span_arena.spans[i]);
}

const struct slot_type heap_slot_type = {
    .name = "heap",
    .abi = MOULT_ABI_heap,
    .ops_size = sizeof(struct heap_ops),
    .functions = offsetof(struct heap_ops, pool_init),
    .moves = "blocks",
    .validate = validate,
    .reserve = reserve,
    .renew = renew,
    .install = install,
    .rebuild = rebuild,
    .release = release,
    .tidy = tidy,
};
