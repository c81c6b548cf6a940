/*
 * irq_table.c - the lines that have a slot: opened at boot or when they are wanted, listened to, verified.
 *
 * Entry points: as in irq.h. Concurrency: each line's own lock.
 */
#include "core/console.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "core/irq_slot.h"
#include "core/irq_sources.h"
#include "core/irqroute_slot.h"
#include "core/log.h"
#include <moult/errors.h>
#include <moult/module.h>
#include <moult/text.h>

static struct irq_line lines[] = {
    {.number = LINE_KEYBOARD, .kind = SLOT_KIND_IRQ_KEYBOARD, .device = &irq_keyboard},
    {.number = LINE_SERIAL_2, .kind = SLOT_KIND_IRQ_SERIAL_2, .device = &irq_serial_2},
    {.number = LINE_SERIAL, .kind = SLOT_KIND_IRQ_SERIAL, .device = &irq_serial_1},
    {.number = LINE_TIMER, .kind = SLOT_KIND_IRQ_TIMER, .device = &irq_timer},
    {.number = LINE_SOFTWARE, .kind = SLOT_KIND_IRQ_SOFTWARE, .device = &irq_software},
};

#define LINE_COUNT (sizeof(lines) / sizeof(lines[0]))

struct irq_line *irq_line_at(unsigned index)
{
    return index < LINE_COUNT ? &lines[index] : NULL;
}

struct irq_line *irq_line_find(unsigned number)
{
    for (unsigned i = 0; i < LINE_COUNT; i++)
        if (lines[i].number == number)
            return &lines[i];
    return NULL;
}

struct irq_line *irq_line_of_kind(unsigned kind)
{
    for (unsigned i = 0; i < LINE_COUNT; i++)
        if (lines[i].kind == kind)
            return &lines[i];
    return NULL;
}

/* Has the I/O APIC the line? */
static bool wired(const struct irq_line *line)
{
    return line->number != LINE_SOFTWARE;
}

void irq_update_mask(struct irq_line *line)
{
    if (line->open && line->level)
        arch_line_mask(line->number, line->failed || line->swapping || line->full);
}

bool irq_retarget(struct irq_line *line, unsigned cpu)
{
    if (wired(line) && arch_line_retarget(line->number, cpu) != 0)
        return false;
    line->cpu = cpu;
    return true;
}

static int enable(struct irq_line *line, enum arch_trigger trigger)
{
    struct arch_line state;
    int result = wired(line) ? arch_line_enable(line->number, line->cpu, trigger) : 0;
    if (result != 0)
        return result;
    line->level = wired(line) && arch_line_state(line->number, &state) && state.level;
    line->open = true;
    irq_update_mask(line);
    return 0;
}

int irq_open(struct irq_line *line, enum arch_trigger trigger)
{
    unsigned long flags = spin_lock_save(&line->lock);
    int result = enable(line, trigger);
    line->choice_due = result == 0;
    spin_unlock_restore(&line->lock, flags);
    if (result == 0)
        irq_kick(line);
    return result;
}

void irq_init(void)
{
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        struct irq_line *line = &lines[i];
        irq_slot_begin(line);
        if (!line->device->start()) {
            if (line->device->missing)
                log_line("input: %s", line->device->missing);
        } else if (irq_open(line, ARCH_TRIGGER_FIRMWARE) != 0) {
            log_line("input: no interrupt controller has line %u, that of the %s", line->number, line->device->name);
        }
    }
    irq_listener_add(irq_line_find(LINE_KEYBOARD), &console_listener);
    irq_listener_add(irq_line_find(LINE_SERIAL), &console_listener);
}

int irq_listener_add(struct irq_line *line, struct irq_listener *listener)
{
    unsigned bit = 0;
    int result = -ENOSPC;
    unsigned long flags = spin_lock_save(&line->lock);
    while (bit < IRQ_LISTENERS_MAX && line->listeners[bit])
        bit++;
    if (bit < IRQ_LISTENERS_MAX) {
        line->listeners[bit] = listener;
        if (!line->listening)
            line->first = bit;
        line->listening |= 1ull << bit;
        result = 0;
    }
    spin_unlock_restore(&line->lock, flags);
    irq_room_made(line);
    return result;
}

void irq_listener_remove(struct irq_line *line, struct irq_listener *listener)
{
    unsigned long flags = spin_lock_save(&line->lock);
    for (unsigned bit = 0; bit < IRQ_LISTENERS_MAX; bit++) {
        if (line->listeners[bit] != listener)
            continue;
        line->listeners[bit] = NULL;
        line->listening &= ~(1ull << bit);
        if (line->first == bit && line->listening)
            line->first = (unsigned)__builtin_ctzll(line->listening);
    }
    spin_unlock_restore(&line->lock, flags);
    irq_room_made(line);
}

void irq_room_made(struct irq_line *line)
{
    if (__atomic_load_n(&line->full, __ATOMIC_ACQUIRE))
        irq_kick(line);
}

bool line_count(unsigned number, struct line_count *count)
{
    struct irq_line *line = irq_line_find(number);
    unsigned long flags;
    if (!line)
        return false;
    flags = spin_lock_save(&line->lock);
    *count = line->count;
    spin_unlock_restore(&line->lock, flags);
    return true;
}
EXPORT_SYMBOL(line_count);

static const char *find_wrong(const struct irq_line *line)
{
    struct arch_line state;
    if (line->lock.owner)
        return "is locked";
    if (line->served_by)
        return "is in service";
    if (line->taken > line->journal_count || line->journal_count > IRQ_TAKE_MAX)
        return "has a journal that is out of bounds";
    if (!cpus[line->cpu].online)
        return "goes to a CPU that is not online";
    if (!line->open || !wired(line))
        return NULL;
    if (!arch_line_state(line->number, &state) || state.cpu != line->cpu || state.level != line->level)
        return "is not routed as the core's table says";
    if (state.masked != (line->level && (line->failed || line->swapping || line->full)))
        return "is masked and should not be, or the other way round";
    return NULL;
}

unsigned irq_check(char *details, size_t bytes)
{
    unsigned violations = 0;
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        const char *wrong = find_wrong(&lines[i]);
        if (wrong && violations++ == 0)
            text_format(details, bytes, "line %u %s", lines[i].number, wrong);
    }
    return violations;
}
