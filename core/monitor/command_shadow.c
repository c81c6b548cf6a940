/*
 * command_shadow.c - `shadow`.
 *
 * Entry point: the command. Concurrency: as in command_slots.c.
 */
#include "core/monitor/commands.h"
#include "core/shadow.h"
#include "core/swap.h"
#include <string.h>

#define NANOSECONDS 1000000000ul
#define MICROSECOND 1000ul

static void show_json(struct json *json, const struct slot *slot, const struct shadow_report *report)
{
    const struct shadow_type *type = slot->type->shadow;

    json_object(json, NULL);
    json_text(json, "slot", slot->name);
    json_text(json, "occupant", slot->occupant->name);
    json_text(json, "candidate", report->candidate);
    json_list(json, "decisions");
    for (unsigned i = 0; i < SHADOW_DECISIONS && type->decisions[i]; i++) {
        json_object(json, NULL);
        json_text(json, "name", type->decisions[i]);
        json_number(json, "asked", report->count.asked[i]);
        json_number(json, "differed", report->count.differed[i]);
        json_object_end(json);
    }
    json_list_end(json);
    json_list(json, "last");
    for (unsigned i = 0; i < report->last_count; i++) {
        const struct shadow_difference *last = &report->last[i];

        json_object(json, NULL);
        json_number(json, "time", last->time);
        json_number(json, "cpu", last->cpu);
        json_text(json, "decision", type->decisions[last->decision]);
        json_number(json, "occupant", last->occupant);
        json_number(json, "candidate", last->candidate);
        json_object_end(json);
    }
    json_list_end(json);
    json_object_end(json);
}

static void show(struct request *request, const struct slot *slot, const struct shadow_report *report)
{
    const struct shadow_type *type = slot->type->shadow;

    reply_print(request, "%s: %s, and %s in its shadow\n", slot->name, slot->occupant->name, report->candidate);
    reply_print(request, "%-9s %12s %12s\n", "DECISION", "ASKED", "DIFFERED");
    for (unsigned i = 0; i < SHADOW_DECISIONS && type->decisions[i]; i++)
        reply_print(request, "%-9s %12lu %12lu\n", type->decisions[i], report->count.asked[i],
                    report->count.differed[i]);
    for (unsigned i = 0; i < report->last_count; i++) {
        const struct shadow_difference *last = &report->last[i];

        reply_print(request, "[%5lu.%06lu] CPU %u, %s: %lu, in shadow %lu\n", last->time / NANOSECONDS,
                    last->time % NANOSECONDS / MICROSECOND, last->cpu, type->decisions[last->decision], last->occupant,
                    last->candidate);
    }
}

static int show_all(struct request *request)
{
    static struct shadow_report report;
    const struct slot *slot;
    struct json *json = reply_begin(request);
    unsigned count = 0;

    if (json)
        json_list(json, "shadows");
    for (unsigned i = 0; (slot = slot_at(i)); i++) {
        if (!shadow_report(slot, &report))
            continue;
        count++;
        if (json)
            show_json(json, slot, &report);
        else
            show(request, slot, &report);
    }
    if (json)
        json_list_end(json);
    else if (count == 0)
        reply_write(request, "no policy is in a shadow\n");
    return 0;
}

static int run_shadow(struct request *request, struct failure *why)
{
    const char *slot = arguments_word(request->arguments, 1), *policy = arguments_word(request->arguments, 2);
    struct swap_request wanted = {.action = SWAP_SHADOW, .parts = {{slot, policy}}, .count = 1};
    struct swap_report report;

    if (!slot)
        return show_all(request);
    if (!policy)
        return fail(why, -EINVAL, "there is a word missing; the form is `%s`", request->command->form);
    if (!strcmp(policy, "--end"))
        wanted.action = SWAP_SHADOW_END;
    return swap(&wanted, &report, why);
}

const struct command shadow_command = {
    .name = "shadow",
    .form = "shadow [SLOT MODULE|--end]",
    .summary = "runs a policy beside the occupant, and compares",
    .details = "The module's policy sees every event that the occupant of the slot sees, and makes\n"
               "every choice too, which has no effect. Without words: how often the two were asked,\n"
               "how often they differed, and the last differences. `swap SLOT MODULE` goes on from\n"
               "there; --end ends it. A policy that fails in shadow is taken away.\n",
    .words_max = 2,
    .complete = {complete_slot, complete_module},
    .run = run_shadow,
};
