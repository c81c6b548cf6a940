/*
 * contain.c - finds out whether a trap happened inside a policy's function, and abandons that call.
 *
 * A call under way is known by the CPU's record: the word below the recorded stack pointer is the return address of a
 * slot's call site or of arch_guarded_call(). What was interrupted counts as the policy's if its address is in no text
 * of the core, or if the core was called from a module after the record.
 *
 * Concurrency: the records, and why a guarded call was abandoned, are each CPU's own; `reason` is the swapper's copy.
 */
#include "core/contain.h"
#include "core/cpu.h"
#include "core/module.h"
#include "core/schedule.h"
#include "core/slot.h"
#include "core/slot_call.h"
#include "core/swap.h"
#include "core/symbols.h"
#include "core/thread.h"
#include <arch/guard.h>
#include <arch/patch.h>
#include <arch/trap.h>
#include <arch/watchdog.h>
#include <moult/text.h>
#include <string.h>

#define STALLED_MAX 2        /* watchdog interrupts that find a CPU where it was: 50 to 75 ms */
#define STEPS_MAX 10000      /* instructions that a policy that is suspected gets to end its call */
#define FLAGS_TRAP (1u << 8) /* RFLAGS.TF: SDM volume 3, 18.3.1.4 */
#define DEPTH_MAX 4096       /* bytes of stack that are searched for a call from a module */

/* Of each CPU's last guarded call that was abandoned. */
static struct {
    char reason[SLOT_REASON_BYTES];
    const struct module *culprit;
} abandoned[CPU_MAX];
static char reason[SLOT_REASON_BYTES]; /* of the swapper's last one */

/* The call that was under way: of a slot, or guarded (`site` NULL). */
struct call {
    const struct slot_site *site;
    uintptr_t return_address;
    const struct module *module; /* whose text was running, or had called the core */
};

/* Is that an address of the running thread's stack? What is there is then mapped. */
static bool on_stack(uintptr_t address)
{
    uintptr_t low = (uintptr_t)current_thread()->stack;
    return address % 8 == 0 && (!low || (address > low && address <= low + THREAD_STACK_PAGES * PAGE_SIZE));
}

static const struct slot_site *site_before(uintptr_t return_address)
{
    for (const struct slot_site *site = slot_sites_start; site < slot_sites_end; site++)
        if (!site->absent && site->address + ARCH_PATCH_BYTES == return_address)
            return site;
    return NULL;
}

/* Can it be a policy of this module that the call is of? Threads run modules' text as well. */
static bool is_policy(const struct call *call, const struct module *module)
{
    return !call->site || slot_may_call(call->site->kind, module);
}

/* The policy's module from which the core was called after the record; NULL: none. */
static const struct module *caller(const struct call *call, const struct trap_frame *frame, uintptr_t stack)
{
    if (frame->rsp >= stack || stack - frame->rsp > DEPTH_MAX)
        return NULL;
    for (uintptr_t word = stack - 16; word >= frame->rsp; word -= 8) {
        const struct module *module = module_at(*(const uintptr_t *)word);
        if (module && is_policy(call, module))
            return module;
    }
    return NULL;
}

/*
 * Was a policy's call under way? With `callees`, also where the policy has called the core in turn: then an address in
 * the policy is looked for on the stack, and one that is left over there may be taken for it.
 */
static bool find_call(const struct trap_frame *frame, struct call *call, bool callees)
{
    uintptr_t stack = this_cpu()->guard_stack;
    if (!stack || !current_thread() || !on_stack(stack))
        return false;
    call->return_address = ((const uintptr_t *)stack)[-1];
    call->site = site_before(call->return_address);
    if (!call->site && call->return_address != (uintptr_t)arch_guard_return)
        return false;
    call->module = module_at(frame->rip);
    if (call->module && !is_policy(call, call->module))
        return false;
    if (!call->module && symbol_in_text(frame->rip))
        return callees && (call->module = caller(call, frame, stack));
    return frame->rsp < stack || !on_stack(frame->rsp);
}

void contain_describe(const struct trap_frame *frame, const char *what, char *text, size_t bytes)
{
    struct symbol_place place;
    if (symbol_at(frame->rip, &place))
        text_format(text, bytes, "%s at %s+%#lx%s%s%s", what, place.name, place.offset, place.module ? " [" : "",
                    place.module ? place.module : "", place.module ? "]" : "");
    else
        text_format(text, bytes, "%s at %#lx", what, frame->rip);
}

/* What the policy leaves on the stack is not to be taken for somebody's use of its module (core/audit.c). */
static void wipe_stack(const struct trap_frame *frame)
{
    uintptr_t stack = this_cpu()->guard_stack, low = (uintptr_t)current_thread()->stack, from = frame->rsp;
    if (on_stack(from) && from < stack && (low || stack - from <= DEPTH_MAX))
        memset((void *)from, 0, stack - 8 - from);
}

static void abandon(struct trap_frame *frame, const struct call *call, const char *what)
{
    char text[SLOT_REASON_BYTES];
    unsigned cpu = this_cpu()->index;
    contain_describe(frame, what, text, sizeof(text));
    wipe_stack(frame);
    if (call->site) {
        bool relinquishes = call->site->here == SLOT_IN_RELINQUISH;
        arch_abandon_site(frame, call->return_address, relinquishes ? schedule_any(this_cpu()) : NULL);
        slot_fault(call->site->kind, call->module, text);
    } else {
        memcpy(abandoned[cpu].reason, text, sizeof(text));
        abandoned[cpu].culprit = call->module;
        arch_abandon_guarded(frame);
    }
}

bool contain_exception(struct trap_frame *frame, const char *what)
{
    struct call call;
    if (!find_call(frame, &call, true))
        return false;
    abandon(frame, &call, what);
    return true;
}

bool contain_interrupt(struct trap_frame *frame)
{
    struct call call;
    if (__builtin_expect(frame->rip - MODULES_BASE >= MODULES_SIZE || frame->rsp >= this_cpu()->guard_stack, 1) ||
        !find_call(frame, &call, false))
        return false;
    abandon(frame, &call, "interrupts turned on");
    return true;
}

static uint64_t work_done(const struct cpu *cpu)
{
    return *(const volatile uint64_t *)&cpu->interrupts + *(const volatile uint64_t *)&cpu->progress;
}

/* An idle CPU has nothing to do but for devices; one that works serves its ticks. */
static bool stalled(struct cpu *cpu)
{
    uint64_t done = work_done(cpu);
    if (done != cpu->progress_seen || (cpu->current->idle && !cpu->serving)) {
        cpu->progress_seen = done;
        cpu->stalled = 0;
        return false;
    }
    return ++cpu->stalled >= STALLED_MAX;
}

/*
 * The core too may be long with interrupts off: only where the policy itself is found is it suspected. An emulator
 * whose host is busy may not have let it go on at all, so it gets so many single steps to come to its end.
 */
static void suspect_stalled(struct trap_frame *frame)
{
    struct cpu *cpu = this_cpu();
    struct call call;
    if (cpu->steps_left > 0 || !find_call(frame, &call, false) || !call.module)
        return;
    cpu->steps_left = STEPS_MAX;
    frame->rflags |= FLAGS_TRAP;
}

bool contain_step(struct trap_frame *frame)
{
    struct cpu *cpu = this_cpu();
    struct call call;
    if (cpu->steps_left == 0)
        return false;
    if (frame->rsp < cpu->guard_stack && --cpu->steps_left > 0)
        return true;
    if (cpu->steps_left == 0 && find_call(frame, &call, true))
        abandon(frame, &call, "stuck with interrupts off");
    frame->rflags &= ~(uint64_t)FLAGS_TRAP;
    cpu->steps_left = cpu->stalled = 0;
    return true;
}

void contain_watchdog(struct trap_frame *frame)
{
    struct cpu *self = this_cpu();
    if (self->index != 0) { /* sent by CPU 0 */
        suspect_stalled(frame);
        return;
    }
    for (unsigned i = 1; i < cpu_count; i++)
        if (cpus[i].online && stalled(&cpus[i]))
            arch_send_nmi(i);
    if (stalled(self))
        suspect_stalled(frame);
}

const char *contain_try(void (*function)(void *argument), void *argument)
{
    return arch_guarded_call(function, argument) ? NULL : abandoned[this_cpu()->index].reason;
}

int contain_call(void (*function)(void *argument), void *argument, const struct module **module)
{
    unsigned long flags = arch_interrupts_save();
    const char *why = contain_try(function, argument);
    *module = why ? abandoned[this_cpu()->index].culprit : NULL;
    if (why)
        memcpy(reason, why, sizeof(reason));
    arch_interrupts_restore(flags);
    return why ? -EPROTO : 0;
}

const char *contain_reason(void)
{
    return reason;
}
