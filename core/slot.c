/*
 * slot.c - the slots there are, and the patching of their call sites.
 *
 * Slots change in a rendezvous only, by the swapper.
 */
#include "core/slot.h"
#include "core/console_slot.h"
#include "core/frames_slot.h"
#include "core/heap_slot.h"
#include "core/idle_slot.h"
#include "core/irq_slot.h"
#include "core/irqroute_slot.h"
#include "core/log_slot.h"
#include "core/monitor/monitor_slot.h"
#include "core/panic.h"
#include "core/sched_slot.h"
#include "core/slot_call.h"
#include "core/swap.h"
#include <arch/patch.h>
#include <string.h>

static struct slot slots[SLOT_KIND_COUNT] = {
    [SLOT_KIND_SCHED] =
        {
            .name = "sched",
            .type = &sched_slot_type,
            .fallback = {.name = "sched-fifo", .ops = &sched_fifo_ops},
        },
    [SLOT_KIND_FRAMES] =
        {
            .name = "frames",
            .type = &frames_slot_type,
            .fallback = {.name = "frames-first", .ops = &frames_first_ops},
        },
    [SLOT_KIND_HEAP] =
        {
            .name = "heap",
            .type = &heap_slot_type,
            .fallback = {.name = "heap-classes", .ops = &heap_classes_ops},
        },
    [SLOT_KIND_IRQROUTE] =
        {
            .name = "irqroute",
            .type = &irqroute_slot_type,
            .fallback = {.name = "route-first", .ops = &route_first_ops},
        },
    [SLOT_KIND_IRQ_KEYBOARD] =
        {
            .name = "irq.1",
            .type = &irq_slot_type,
            .fallback = {.name = "irq-keys", .ops = &irq_keys_ops},
        },
    [SLOT_KIND_IRQ_SERIAL_2] =
        {
            .name = "irq.3",
            .type = &irq_slot_type,
            .fallback = {.name = "irq-bytes", .ops = &irq_bytes_ops},
        },
    [SLOT_KIND_IRQ_SERIAL] =
        {
            .name = "irq.4",
            .type = &irq_slot_type,
            .fallback = {.name = "irq-bytes", .ops = &irq_bytes_ops},
        },
    [SLOT_KIND_IRQ_TIMER] =
        {
            .name = "irq.20",
            .type = &irq_slot_type,
            .fallback = {.name = "irq-ticks", .ops = &irq_ticks_ops},
        },
    [SLOT_KIND_IRQ_SOFTWARE] =
        {
            .name = "irq.24",
            .type = &irq_slot_type,
            .fallback = {.name = "irq-ticks", .ops = &irq_ticks_ops},
        },
    [SLOT_KIND_IDLE] =
        {
            .name = "idle",
            .type = &idle_slot_type,
            .fallback = {.name = "idle-halt", .ops = &idle_halt_ops},
        },
    [SLOT_KIND_CONSOLE] =
        {
            .name = "console",
            .type = &console_slot_type,
            .fallback = {.name = "console-both", .ops = &console_both_ops},
        },
    [SLOT_KIND_LOG] =
        {
            .name = "log",
            .type = &log_slot_type,
            .fallback = {.name = "log-all", .ops = &log_all_ops},
        },
    [SLOT_KIND_MONITOR] =
        {
            .name = "monitor",
            .type = &monitor_slot_type,
            .fallback = {.name = "monitor-line", .ops = &monitor_line_ops},
        },
};

static bool open; /* every slot has an occupant */

struct slot *slot_at(unsigned index)
{
    return index < SLOT_KIND_COUNT ? &slots[index] : NULL;
}

struct slot *slot_find(const char *name)
{
    for (unsigned i = 0; i < SLOT_KIND_COUNT; i++)
        if (strcmp(slots[i].name, name) == 0)
            return &slots[i];
    return NULL;
}

const struct slot_type *slot_type_find(const char *name)
{
    for (unsigned i = 0; i < SLOT_KIND_COUNT; i++)
        if (strcmp(slots[i].type->name, name) == 0)
            return slots[i].type;
    return NULL;
}

uintptr_t slot_closed(void)
{
    if (!open)
        return 0;
    panic("the core called a slot while it was closed for a swap");
}

void slot_sites_patch(const struct slot *slot, const void *ops)
{
    uint32_t kind = (uint32_t)(slot - slots);
    arch_patch_begin();
    for (const struct slot_site *site = slot_sites_start; site < slot_sites_end; site++) {
        uintptr_t function;
        if (site->kind != kind)
            continue;
        function = ops ? *(const uintptr_t *)((const uint8_t *)ops + site->function) : (uintptr_t)slot_closed;
        if (site->absent)
            arch_patch_jump(site->address, function ? 0 : site->absent);
        else
            arch_patch_call(site->address, function);
    }
    arch_patch_end();
}

bool slot_may_call(unsigned kind, const struct module *module)
{
    const struct slot *slot = &slots[kind];
    return slot->occupant->module == module || (slot->candidate && slot->candidate->module == module);
}

void slot_fault(unsigned kind, const struct module *module, const char *what)
{
    const struct slot *slot = &slots[kind];
    if (slot->candidate)
        slot->type->breach(module, what);
    else
        swap_rescue(kind, "%s", what);
}

bool slot_uses_module(const struct module *module)
{
    for (unsigned i = 0; i < SLOT_KIND_COUNT; i++)
        if ((slots[i].occupant && slots[i].occupant->module == module) ||
            (slots[i].standby && slots[i].standby->module == module) ||
            (slots[i].shadow && slots[i].shadow->module == module))
            return true;
    return false;
}

void slot_start(unsigned kind)
{
    static struct failure why;
    struct slot *slot = &slots[kind];
    slot->fallback.kind = kind;
    if (slot->type->validate(slot->fallback.ops, &why) != 0 || slot->type->reserve(&slot->fallback, &why) != 0)
        panic("slot %s cannot have its fallback: %s", slot->name, why.sentence);
    slot->occupant = &slot->fallback;
    slot->type->install(slot->occupant);
    slot_sites_patch(slot, slot->fallback.ops);
}

void slots_init(void)
{
    for (unsigned i = 0; i < SLOT_KIND_COUNT; i++)
        if (!slots[i].occupant)
            slot_start(i);
    open = true;
}
