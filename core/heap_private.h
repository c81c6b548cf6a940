/*
 * heap_private.h - whose spans are whose, and the pools of each CPU: within core/heap*.c alone.
 */
#ifndef CORE_HEAP_PRIVATE_H
#define CORE_HEAP_PRIVATE_H

#include "core/cpu.h"
#include "core/lock.h"
#include "core/slot.h"
#include <moult/heap.h>
#include <stdint.h>

/*
 * What a CPU's lock guards: the maps of all spans that were added to a pool of this CPU, whoever holds them, and the
 * pools. Every time that a policy becomes the occupant it gets a new number, so that the spans of its last time are
 * not taken for its own. The fallback always has a number: it serves where the occupant fails to.
 */
struct heap_cpu {
    struct spinlock lock;
    struct heap_pool *pool; /* the occupant's */
    uint64_t holder;        /* of the spans in it */
    struct heap_pool *fallback_pool;
    uint64_t fallback_holder; /* `holder`, while the fallback is the occupant */
} __attribute__((aligned(64)));

extern struct heap_cpu heap_cpus[CPU_MAX];

/* What a span notes of its holder: the number that the policy had, and the CPU. */
static inline uint64_t heap_holder(uint32_t number, uint32_t cpu)
{
    return (uint64_t)number << 32 | cpu;
}

static inline uint32_t heap_holder_number(uint64_t holder)
{
    return (uint32_t)(holder >> 32);
}

static inline uint32_t heap_holder_cpu(uint64_t holder)
{
    return (uint32_t)holder;
}

/* The name of the policy that had that number; NULL: it is too long ago. */
const char *heap_policy_name(uint32_t number);

#endif
