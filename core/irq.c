/*
 * irq.c - the interrupt lines, and how an interrupt is served: acknowledged, given to the line's ISR, settled, ended.
 *
 * What an ISR takes is read from the device into the line's journal; what it gives is kept with the line. Only when it
 * has returned, and has written its record, is both settled: the listeners get what was given, and the journal is
 * emptied as far as it was taken. An ISR whose call is abandoned has given nothing, and its successor takes the same
 * values, with the record of the last interrupt that was served whole.
 *
 * Edge lines are never masked: an edge that comes while nobody can serve it waits in the CPU's interrupt request
 * register. Level lines are masked while their ISR is swapped, has failed, or must wait for room.
 */
#include "core/irq.h"
#include "core/cpu.h"
#include "core/irq_slot.h"
#include "core/irqroute_slot.h"
#include "core/swap.h"
#include <arch/trap.h>
#include <moult/irqroute.h>
#include <moult/module.h>
#include <string.h>

#define VAIN_MAX 16 /* calls in a row in which an ISR may leave everything in its device */

bool irq_has_room(const struct irq_line *line)
{
    struct irq_listener *first = line->listening ? line->listeners[line->first] : NULL;
    return !first || first->room(first) >= (line->taken + 1) * IRQ_GIVE_MAX;
}

void irq_kick(struct irq_line *line)
{
    line->kicked = true;
    arch_send_interrupt(*(const volatile unsigned *)&line->cpu, VECTOR_KICK);
}

/* Gives the listeners what the ISR has given: all of them, or those that the routing policy names. */
static void deliver(struct irq_line *line)
{
    uint64_t to = line->listening;
    if (line->given_count == 0)
        return;
    if (to & (to - 1))
        to = irqroute_receivers(line, to);
    for (unsigned i = 0; i < IRQ_LISTENERS_MAX; i++)
        if (to >> i & 1)
            line->count.dropped += line->listeners[i]->put(line->listeners[i], line->given, line->given_count);
    line->count.given += line->given_count;
}

static void settle(struct irq_line *line)
{
    deliver(line);
    line->count.taken += line->taken;
    line->journal_count -= line->taken;
    memmove(line->journal, line->journal + line->taken, line->journal_count * sizeof(line->journal[0]));
    line->vain = line->taken > 0 ? 0 : line->vain + 1;
    line->taken = 0;
}

/* The ISR returned, but perhaps left values behind: then it is called again, when there is room for what it gives. */
static void look_for_more(struct irq_line *line)
{
    line->full = !line->dry && !irq_has_room(line);
    if (line->dry || line->full)
        line->vain = 0;
    else if (line->vain < VAIN_MAX)
        irq_kick(line);
    else
        line->failed = true;
    if (line->failed)
        swap_rescue(line->kind, "took nothing of what its device had, %u times", VAIN_MAX);
}

/*
 * If its call was abandoned, the answer is 0, and why was reported before. Line lock held, interrupts off.
 */
static void serve(struct irq_line *line)
{
    struct irq_record said = {.version = IRQ_RECORD_VERSION};
    uint64_t answer, bytes = 0;
    if (!line->open || line->failed)
        return;
    line->taken = line->given_count = 0;
    line->dry = false;
    line->served_by = spin_mark();
    answer = irq_slot_handle(line);
    line->served_by = 0;
    if (answer == IRQ_SERVED)
        bytes = irq_slot_save(line, &said);
    if (answer != IRQ_SERVED) {
        line->failed = true;
        swap_rescue(line->kind, "answered %lu to an interrupt", answer);
    } else if (!irq_record_keep(line, bytes, &said)) {
        line->failed = true;
        swap_rescue(line->kind, "wrote a record of %lu bytes that is out of bounds", bytes);
    } else {
        settle(line);
        look_for_more(line);
    }
    irq_update_mask(line);
}

/* Of a level line the interrupts must be over: if one is not yet, the next time will do. */
static void choose_cpu(struct irq_line *line)
{
    if (!line->open || !line->choice_due)
        return;
    if (line->level)
        arch_line_mask(line->number, true);
    if (!line->level || arch_line_quiet(line->number)) {
        line->choice_due = false;
        line->since_choice = 0;
        irqroute_choose(line);
    }
    irq_update_mask(line);
}

void irq_interrupt(unsigned number)
{
    struct irq_line *line = irq_line_find(number);
    bool level = line && line->level;
    if (!level)
        arch_end_of_interrupt();
    if (!line)
        return;
    this_cpu()->serving = true;
    spin_lock(&line->lock);
    line->count.interrupts++;
    serve(line);
    if (level)
        arch_end_of_interrupt();
    if (++line->since_choice >= IRQROUTE_PERIOD)
        line->choice_due = true;
    choose_cpu(line);
    spin_unlock(&line->lock);
    this_cpu()->serving = false;
    swap_rescue_poll();
}

void irq_kicked(void)
{
    struct irq_line *line;
    this_cpu()->serving = true;
    for (unsigned i = 0; (line = irq_line_at(i)); i++) {
        if (!__atomic_exchange_n(&line->kicked, false, __ATOMIC_SEQ_CST))
            continue;
        spin_lock(&line->lock);
        serve(line);
        choose_cpu(line);
        spin_unlock(&line->lock);
    }
    this_cpu()->serving = false;
    swap_rescue_poll();
}

int64_t irq_take(unsigned number)
{
    struct irq_line *line = irq_line_find(number);
    int64_t value;
    if (!line || line->served_by != spin_mark() || !irq_has_room(line))
        return -1;
    if (line->taken == line->journal_count) {
        if (line->journal_count == IRQ_TAKE_MAX)
            return -1;
        value = line->device->read(line);
        line->dry = value < 0;
        if (line->dry)
            return -1;
        line->journal[line->journal_count++] = (uint32_t)value;
    }
    return line->journal[line->taken++];
}
EXPORT_SYMBOL(irq_take);

bool irq_give(unsigned number, uint32_t value)
{
    struct irq_line *line = irq_line_find(number);
    if (!line || line->served_by != spin_mark() || line->given_count >= line->taken * IRQ_GIVE_MAX)
        return false;
    line->given[line->given_count++] = value;
    return true;
}
EXPORT_SYMBOL(irq_give);
