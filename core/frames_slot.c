/*
 * frames_slot.c - the slot `frames`: what a page allocator must offer, its memory, and how all memory passes from one
 * to the next.
 *
 * The frame table says all that there is to know, so the policy that gives away is not asked for anything. From the
 * first rendezvous on the new one serves, and has no chunk; it is given one after the other, by the swapper and
 * whenever it finds no frame. The same with the roles exchanged undoes it. A rescue is the same again, begun in its
 * rendezvous and brought to its end with the machine running.
 */
#include "core/frames_slot.h"
#include "core/contain.h"
#include "core/frames_private.h"
#include "core/heap.h"
#include "core/slot_call.h"
#include <moult/abi.h>
#include <moult/errors.h>
#include <moult/text.h>
#include <string.h>

/* The hand-over under way; `to` is NULL if there is none. Changes in a rendezvous, but for the breach. */
static struct {
    struct policy *to;
    uint32_t reported;              /* 1: `to` broke its contract. Goes from 0 to 1 by whoever notices first */
    char breach[SLOT_REASON_BYTES]; /* how */
} handover;

static int validate(const void *table, struct failure *why)
{
    const struct frames_ops *ops = table;
    bool caches = ops->cache_take && ops->cache_give && ops->exchange && ops->cache_bytes;
    bool none = !ops->cache_take && !ops->cache_give && !ops->exchange && !ops->cache_bytes;
    if (ops->store_bytes > FRAMES_STORE_BYTES || ops->chunk_bytes > FRAMES_CHUNK_BYTES ||
        ops->cache_bytes > FRAMES_CACHE_BYTES)
        return fail(why, -E2BIG, "it wants %u bytes, %u a chunk and %u a CPU; there are %u, %u and %u",
                    ops->store_bytes, ops->chunk_bytes, ops->cache_bytes, FRAMES_STORE_BYTES, FRAMES_CHUNK_BYTES,
                    FRAMES_CACHE_BYTES);
    if (!ops->init || !ops->adopt || !ops->take || !ops->give || !ops->show)
        return fail(why, -EINVAL, "it lacks one of init, adopt, take, give, show");
    if (!caches && !none)
        return fail(why, -EINVAL, "it has some of cache_bytes, cache_take, cache_give, exchange, not all");
    return 0;
}

/* In a policy's memory: the store, the caches, the chunks. */
static uint8_t *caches_of(const struct policy *policy)
{
    return (uint8_t *)policy->memory + FRAMES_STORE_BYTES;
}

static struct frames_chunk *chunks_of(const struct policy *policy)
{
    size_t caches = frames_ops_of(policy)->cache_bytes ? cpu_count * FRAMES_CACHE_BYTES : 0;
    return (struct frames_chunk *)(caches_of(policy) + caches);
}

static void init_store(void *argument)
{
    const struct policy *policy = argument;
    frames_ops_of(policy)->init(policy->memory, chunks_of(policy), frames.chunks);
}

static int renew(struct policy *policy)
{
    const struct module *module;
    const struct frames_ops *ops = policy->ops;
    memset(policy->memory, 0, ops->store_bytes);
    for (unsigned i = 0; ops->cache_bytes && i < cpu_count; i++)
        memset(caches_of(policy) + i * FRAMES_CACHE_BYTES, 0, ops->cache_bytes);
    return contain_call(init_store, policy, &module);
}

static int reserve(struct policy *candidate, struct failure *why)
{
    const struct frames_ops *ops = candidate->ops;
    size_t bytes = FRAMES_STORE_BYTES + (ops->cache_bytes ? cpu_count * FRAMES_CACHE_BYTES : 0) +
                   frames.chunks * ops->chunk_bytes;
    candidate->memory = heap_alloc_zeroed(1, bytes);
    if (!candidate->memory)
        return fail(why, -ENOMEM, "there is no memory for its %lu bytes", bytes);
    return renew(candidate) == 0 ? 0 : fail(why, -EPROTO, "it cannot be made: %s", contain_reason());
}

static void release(struct policy *policy)
{
    heap_free(policy->memory);
    policy->memory = NULL;
}

static void occupy(struct policy *policy)
{
    frames.policy = policy;
    frames.store = policy->memory;
    frames.unadopted = frames.chunks;
    frames.moved = 0;
    frames.broken = false;
    for (unsigned i = 0; i < cpu_count; i++)
        frames_local[i].cache = (struct frames_cache *)(caches_of(policy) + i * FRAMES_CACHE_BYTES);
}

/* At the end of a hand-over or a rescue it is in place already. */
static void install(struct policy *policy)
{
    handover.to = NULL;
    if (frames.policy != policy)
        occupy(policy);
}

/* A policy that gets everything back has been in use, and begins anew. */
static void begin(struct policy *from, struct policy *to)
{
    bool back = handover.to == from;
    handover.to = to;
    handover.reported = 0;
    occupy(to);
    if (back && renew(to) != 0)
        frames_slot_type.breach(to->module, contain_reason());
}

static int step(struct slot_progress *progress)
{
    uint64_t began, cycles;
    bool more;
    arch_interrupts_disable();
    spin_lock(&frames.lock);
    began = arch_clock();
    if (frames.unadopted > 0)
        frames_adopt_next();
    more = frames.unadopted > 0;
    progress->moved = frames.moved;
    cycles = arch_clock() - began;
    spin_unlock(&frames.lock);
    arch_interrupts_enable();
    if (cycles > progress->longest)
        progress->longest = cycles;
    return frames.broken ? -EPROTO : more;
}

static int finish(struct policy **culprit, struct failure *why)
{
    *culprit = handover.reported ? handover.to : NULL;
    return *culprit ? fail(why, -EPROTO, "%s", handover.breach) : 0;
}

/* The policy that takes over is the only one that is asked for anything. */
static void breach(const struct module *module, const char *what)
{
    (void)module;
    if (__atomic_exchange_n(&handover.reported, 1, __ATOMIC_SEQ_CST) != 0)
        return;
    text_format(handover.breach, sizeof(handover.breach), "%s", what);
    frames.broken = true;
}

/* The chunks follow: by step(), and whenever it finds no frame. */
static int rebuild(struct policy *to, uint64_t *moved)
{
    occupy(to);
    *moved = frames_free_now();
    return 0;
}

const struct slot_type frames_slot_type = {
    .name = "frames",
    .abi = MOULT_ABI_frames,
    .ops_size = sizeof(struct frames_ops),
    .functions = offsetof(struct frames_ops, init),
    .moves = "free frames",
    .validate = validate,
    .reserve = reserve,
    .renew = renew,
    .install = install,
    .begin = begin,
    .step = step,
    .finish = finish,
    .breach = breach,
    .rebuild = rebuild,
    .catch_up = step,
    .release = release,
};
