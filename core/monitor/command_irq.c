/*
 * command_irq.c - `irq`: the interrupt lines with their slots, and the CPUs' own interrupts.
 *
 * Entry point: the command. Concurrency: the monitor's thread alone; figures are read without stopping what changes
 * them, a line's own under its lock.
 */
#include "core/interrupt.h"
#include "core/irq.h"
#include "core/monitor/commands.h"
#include "core/slot.h"
#include <arch/interrupts.h>
#include <arch/trap.h>

/* What is shown of one line. */
struct line_info {
    bool open, level, failed;
    unsigned cpu;
    struct line_count count;
    struct arch_line wire; /* as the I/O APIC has it; none for the line that CPUs raise */
};

static struct line_info look_at_line(struct irq_line *line)
{
    struct line_info info = {.wire = {.pin = 0}};
    unsigned long flags = spin_lock_save(&line->lock);
    info.open = line->open;
    info.level = line->level;
    info.failed = line->failed;
    info.cpu = line->cpu;
    info.count = line->count;
    spin_unlock_restore(&line->lock, flags);
    arch_line_state(line->number, &info.wire);
    return info;
}

static void show_line_text(struct request *request, const struct irq_line *line, const struct line_info *info)
{
    reply_print(request, "%10u %-10s %-5s %6u %4u %10lu %-16s %s\n", line->number, line->device->name,
                info->level ? "level" : "edge", VECTOR_LINES + line->number, info->cpu, info->count.interrupts,
                slot_at(line->kind)->occupant->name,
                info->failed        ? "failed"
                : info->wire.masked ? "masked"
                                    : "open");
}

static void show_line_json(struct json *json, const struct irq_line *line, const struct line_info *info)
{
    json_object(json, NULL);
    json_number(json, "line", line->number);
    json_text(json, "name", line->device->name);
    json_text(json, "trigger", info->level ? "level" : "edge");
    json_number(json, "vector", VECTOR_LINES + line->number);
    json_number(json, "cpu", info->cpu);
    json_number(json, "count", info->count.interrupts);
    json_text(json, "occupant", slot_at(line->kind)->occupant->name);
    json_number(json, "pin", info->wire.pin);
    json_bool(json, "masked", info->wire.masked);
    json_bool(json, "failed", info->failed);
    json_number(json, "taken", info->count.taken);
    json_number(json, "given", info->count.given);
    json_number(json, "dropped", info->count.dropped);
    json_object_end(json);
}

static void show_lines(struct request *request, struct json *json)
{
    struct irq_line *line;

    for (unsigned i = 0; (line = irq_line_at(i)); i++) {
        struct line_info info = look_at_line(line);

        if (info.open && json)
            show_line_json(json, line, &info);
        else if (info.open)
            show_line_text(request, line, &info);
    }
}

/* The interrupts that come from the CPUs themselves. */
static const struct {
    const char *name;
    unsigned vector;
} own_interrupts[] = {
    {"timer", VECTOR_TIMER}, {"reschedule", VECTOR_RESCHEDULE}, {"rendezvous", VECTOR_RENDEZVOUS},
    {"kick", VECTOR_KICK},   {"spurious", VECTOR_SPURIOUS},
};

static void show_own(struct request *request, struct json *json, const char *name, unsigned vector)
{
    if (!json) {
        reply_print(request, "%10s %-10s %-5s %6u %4s %10lu\n", "-", name, "-", vector, "-", interrupt_count(vector));
        return;
    }
    json_object(json, NULL);
    json_text(json, "name", name);
    json_number(json, "vector", vector);
    json_number(json, "count", interrupt_count(vector));
    json_object_end(json);
}

static int run_irq(struct request *request, struct failure *why)
{
    struct json *json = reply_begin(request);

    (void)why;
    if (json)
        json_list(json, "lines");
    else
        reply_print(request, "%10s %-10s %-5s %6s %4s %10s %-16s %s\n", "LINE", "NAME", "KIND", "VECTOR", "CPU",
                    "COUNT", "OCCUPANT", "STATE");
    show_lines(request, json);
    if (json) {
        json_list_end(json);
        json_list(json, "own");
    }
    for (size_t i = 0; i < sizeof own_interrupts / sizeof *own_interrupts; i++)
        show_own(request, json, own_interrupts[i].name, own_interrupts[i].vector);
    if (json)
        json_list_end(json);
    return 0;
}

const struct command irq_command = {
    .name = "irq",
    .form = "irq",
    .summary = "shows the interrupts: where they go, how many came, and who serves them",
    .run = run_irq,
};
