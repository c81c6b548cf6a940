/*
 * thread_info.c - what can be asked about threads: snapshots for `ps`, backtraces for `bt`.
 */
#include "core/backtrace.h"
#include "core/heap.h"
#include "core/schedule.h"
#include "core/sort.h"
#include "core/thread_table.h"
#include <arch/switch.h>
#include <moult/errors.h>
#include <string.h>

static const char *state_name(const struct thread *thread)
{
    if (cpus[thread->facts.cpu].current == thread)
        return thread->idle ? "idle" : "running";
    if (thread->suspended)
        return "frozen";
    switch (thread->state) {
    case THREAD_BLOCKED:
        return thread->timer_cpu ? "sleeping" : "blocked";
    case THREAD_ENDED:
        return "ended";
    default:
        return thread->idle ? "idle" : "ready";
    }
}

static void describe(const struct thread *thread, struct thread_info *info)
{
    info->number = thread->facts.thread;
    info->cpu = thread->facts.cpu;
    info->weight = thread->facts.weight;
    info->priority = thread->facts.priority;
    info->affinity = thread->facts.affinity;
    info->runtime = thread->runtime;
    info->switches = thread->switches;
    memcpy(info->name, thread->name, sizeof(info->name));
    info->state = state_name(thread);
    info->cpu_class = thread->idle ? "idle" : thread->urgent ? "urgent" : "policy";
}

bool thread_info_get(uint32_t number, struct thread_info *info)
{
    unsigned long flags = thread_table_lock();
    const struct thread *thread = thread_find_locked(number);
    if (thread)
        describe(thread, info);
    thread_table_unlock(flags);
    return thread;
}

struct snapshot {
    struct thread_info *list;
    size_t count, capacity;
};

static bool snapshot_one(struct thread *thread, void *argument)
{
    struct snapshot *snapshot = argument;
    if (snapshot->count == snapshot->capacity)
        return false;
    describe(thread, &snapshot->list[snapshot->count++]);
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct thread_info *first = a, *second = b;
    return first->number < second->number ? -1 : first->number > second->number;
}

int threads_snapshot(struct thread_info **list)
{
    struct snapshot snapshot = {.capacity = threads_count() + 16};
    snapshot.list = heap_alloc(snapshot.capacity * sizeof(*snapshot.list));
    if (!snapshot.list)
        return -ENOMEM;
    threads_visit(snapshot_one, &snapshot);
    sort(snapshot.list, snapshot.count, sizeof(*snapshot.list), by_number);
    *list = snapshot.list;
    return (int)snapshot.count;
}

#define BACKTRACE_MAX 32

static size_t follow(const struct thread *thread, uintptr_t *found)
{
    uintptr_t frame;
    arch_thread_saved(thread->stack_pointer, &frame, &found[0]);
    return 1 + backtrace(frame, found + 1, BACKTRACE_MAX - 1);
}

int thread_backtrace(uint32_t number, void (*visit)(uintptr_t address, void *argument), void *argument)
{
    uintptr_t found[BACKTRACE_MAX];
    unsigned long flags = thread_table_lock();
    struct thread *thread = thread_find_locked(number);
    size_t count = 0;
    int result = thread ? 0 : -ESRCH;
    if (thread && thread->state != THREAD_ENDED) {
        struct cpu *cpu = thread_lock(thread);
        if (cpu->current == thread || !thread->stack)
            result = -EBUSY;
        else
            count = follow(thread, found);
        spin_unlock(&cpu->queue_lock);
    }
    thread_table_unlock(flags);
    for (size_t i = 0; i < count; i++)
        visit(found[i], argument);
    return result;
}
