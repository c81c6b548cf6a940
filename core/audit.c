/*
 * audit.c - the search for stale pointers before a module's pages are freed.
 *
 * Threads that do not run are looked at one by one, each under its queue lock, so that the machine goes on; those that
 * run, in a rendezvous: what their CPUs had in registers is then on their stacks. The caller's own stack is left out:
 * it is the core's, and knows what it does.
 */
#include "core/audit.h"
#include "core/module.h"
#include "core/rendezvous.h"
#include "core/schedule.h"
#include "core/slot_call.h"
#include "core/thread_table.h"
#include <arch/patch.h>
#include <moult/text.h>

struct audit {
    uintptr_t first;
    size_t bytes;
    char *where;
    size_t where_bytes;
    bool found;
};

static bool refers(const struct audit *audit, uintptr_t value)
{
    return value - audit->first < audit->bytes;
}

static void note(struct audit *audit, const char *what, uint32_t number, uintptr_t value)
{
    if (!audit->found)
        text_format(audit->where, audit->where_bytes, "%s %u (%#lx)", what, number, value);
    audit->found = true;
}

static void search_stack(struct audit *audit, const struct thread *thread, uintptr_t from)
{
    uintptr_t low = (uintptr_t)thread->stack, high = low + THREAD_STACK_PAGES * PAGE_SIZE;
    if (from < low || from > high)
        return;
    for (const uintptr_t *word = (const uintptr_t *)(from & ~7ul); word < (const uintptr_t *)high; word++)
        if (refers(audit, *word))
            note(audit, "the stack of thread", thread->facts.thread, *word);
}

/* Under its queue lock. One that runs is looked at in the rendezvous. */
static void search_thread(struct audit *audit, const struct thread *thread)
{
    if (thread->state == THREAD_FREE)
        return;
    if (thread->waits_on && refers(audit, (uintptr_t)thread->waits_on))
        note(audit, "what it has for a wait by thread", thread->facts.thread, (uintptr_t)thread->waits_on);
    if (cpus[thread->facts.cpu].current != thread && thread->stack)
        search_stack(audit, thread, thread->stack_pointer);
}

static void search_threads(struct audit *audit)
{
    struct thread *thread;
    for (uint32_t i = 0; !audit->found && (thread = thread_table_entry(i)); i++) {
        struct cpu *cpu;
        if (thread->state == THREAD_FREE)
            continue;
        arch_interrupts_disable();
        cpu = thread_lock(thread);
        search_thread(audit, thread);
        spin_unlock(&cpu->queue_lock);
        arch_interrupts_enable();
    }
}

static void search_held(void *argument)
{
    struct audit *audit = argument;
    for (unsigned i = 0; i < cpu_count; i++) {
        const struct thread *running = cpus[i].current;
        if (&cpus[i] != this_cpu() && cpus[i].online && running->stack)
            search_stack(audit, running, cpus[i].held_at);
    }
}

static void search_sites(struct audit *audit)
{
    for (const struct slot_site *site = slot_sites_start; site < slot_sites_end; site++)
        if (refers(audit, arch_patch_target(site->address)))
            note(audit, "a call site of slot kind", site->kind, arch_patch_target(site->address));
}

bool audit_finds(const struct module *module, char *where, size_t where_bytes)
{
    struct audit audit = {(uintptr_t)module->base, module->pages * PAGE_SIZE, where, where_bytes, false};
    search_sites(&audit);
    if (!audit.found)
        search_threads(&audit);
    if (!audit.found && cpu_count > 1)
        rendezvous(search_held, &audit);
    return audit.found;
}
