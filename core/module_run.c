/*
 * module_run.c - runs the constructors and destructors of modules.
 *
 * `trial` is the one under way, of the thread that holds the registry's mutex. What faulted counts as the module's if
 * the thread is that one and it was not in the core: in the module's text, or where there is no text at all.
 */
#include "core/module_run.h"
#include "core/contain.h"
#include "core/slot.h"
#include "core/symbols.h"
#include "core/thread.h"
#include <arch/cpu.h>
#include <arch/guard.h>
#include <arch/trap.h>
#include <moult/text.h>

static struct {
    struct thread *thread; /* NULL: none */
    uintptr_t record;      /* of arch_trial_call() */
    uint32_t mutexes;      /* that the thread had */
    char reason[SLOT_REASON_BYTES];
} trial;

/*
 * Where the stack is nearly used up, a fault's handler may be what overflows it: a double fault, by the core. Then what
 * was interrupted before that counts; its frame lies above the handler's return address.
 */
static const struct trap_frame *interrupted(const struct trap_frame *frame)
{
    uintptr_t low = (uintptr_t)current_thread()->stack, word = (frame->rsp & ~7ul) > low ? frame->rsp & ~7ul : low;
    if (frame->vector != VECTOR_DOUBLE_FAULT || !symbol_in_text(frame->rip))
        return frame;
    for (uintptr_t end = low + PAGE_SIZE; word < end; word += 8)
        if (*(const uintptr_t *)word == (uintptr_t)arch_trap_return)
            return (const struct trap_frame *)(word + 8);
    return frame;
}

bool module_run_faulted(struct trap_frame *frame, const char *what)
{
    const struct trap_frame *fault;
    bool mine = trial.thread && trial.thread == current_thread() && trial.record;
    if (!mine)
        return false;
    fault = interrupted(frame);
    if (symbol_in_text(fault->rip) || !(fault->rflags & ARCH_FLAGS_INTERRUPTS) ||
        trial.thread->mutexes != trial.mutexes)
        return false;
    contain_describe(fault, what, trial.reason, sizeof(trial.reason));
    arch_abandon_trial(frame, trial.record);
    return true;
}

static void call(void *entry)
{
    ((void (*)(void))entry)();
}

int module_run(const uintptr_t *functions, size_t count, struct failure *why)
{
    bool good = true;
    trial.mutexes = current_thread()->mutexes;
    trial.thread = current_thread();
    for (size_t i = 0; i < count && good; i++)
        good = !functions[i] || arch_trial_call(call, (void *)functions[i], &trial.record);
    trial.thread = NULL;
    return good ? 0 : fail(why, -EPROTO, "%s", trial.reason);
}
