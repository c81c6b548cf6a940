/*
 * command_slots.c - `slots`, `swap`, `record`.
 *
 * Entry points: the three commands. Concurrency: the monitor's thread alone; swaps are the swapper's, and asked for by
 * none but the monitor, so a slot does not change while it is shown.
 */
#include "core/heap.h"
#include "core/monitor/commands.h"
#include "core/sched_slot.h"
#include "core/slot.h"
#include "core/swap.h"
#include "core/trust.h"
#include <string.h>

#define MEMORY_PREFIX "memory:"
#define PROBATION_MAX 3600000 /* milliseconds */

static const char *state_name(const struct slot *slot)
{
    static const char *const names[] = {
        [SLOT_ACTIVE] = "active", [SLOT_SWAPPING] = "swapping", [SLOT_PROBATION] = "probation"};
    return names[slot->state];
}

/* A kernel that trusts every object says so. */
static void show_trust(struct request *request, struct json *json)
{
    if (json)
        json_text(json, "trust", trust_word());
    else if (!trust_required())
        reply_write(request, TRUST_OFF_SENTENCE "\n");
}

static int run_slots(struct request *request, struct failure *why)
{
    const struct slot *slot;
    struct json *json = reply_begin(request);

    (void)why;
    if (json)
        json_list(json, "slots");
    else
        reply_print(request, "%-12s %-16s %-16s %-16s %-16s %-9s %s\n", "SLOT", "OCCUPANT", "PREVIOUS", "STANDBY",
                    "FALLBACK", "STATE", "SWAPS");
    for (unsigned i = 0; (slot = slot_at(i)); i++) {
        if (!json) {
            reply_print(request, "%-12s %-16s %-16s %-16s %-16s %-9s %lu\n", slot->name, slot->occupant->name,
                        slot->previous[0] ? slot->previous : "-", slot->standby ? slot->standby->name : "-",
                        slot->fallback.name, state_name(slot), slot->swaps);
            continue;
        }
        json_object(json, NULL);
        json_text(json, "name", slot->name);
        json_text(json, "occupant", slot->occupant->name);
        json_text(json, "previous", slot->previous);
        json_text(json, "fallback", slot->fallback.name);
        json_text(json, "standby", slot->standby ? slot->standby->name : "");
        json_text(json, "died", slot->died);
        json_text(json, "reason", slot->reason);
        json_text(json, "state", state_name(slot));
        json_number(json, "swaps", slot->swaps);
        json_object_end(json);
    }
    for (unsigned i = 0; !json && (slot = slot_at(i)); i++)
        if (slot->died[0])
            reply_print(request, "%s: %s died: %s\n", slot->name, slot->died, slot->reason);
    if (json)
        json_list_end(json);
    show_trust(request, json);
    return 0;
}

/* The step that `fail=` names. COMMIT is not among those that can fail. */
static int parse_failure(const char *name, struct swap_request *swap, struct failure *why)
{
    enum swap_step *step = &swap->fail_at;
    uint64_t number;
    *step = SWAP_FAIL_NOWHERE;
    if (!name)
        return 0;
    if (!strncmp(name, MEMORY_PREFIX, strlen(MEMORY_PREFIX))) {
        int error = argument_number("the allocation", name + strlen(MEMORY_PREFIX), 1, UINT32_MAX, &number, why);
        swap->fail_memory = error ? 0 : (uint32_t)number;
        return error;
    }
    for (unsigned i = 0; i < SWAP_COMMIT; i++) {
        if (!strcmp(swap_step_names[i], name))
            *step = (enum swap_step)i;
    }
    if (*step == SWAP_FAIL_NOWHERE)
        return fail(
            why, -EINVAL,
            "'%.64s' is not a step that can fail; there are load, prepare, quiesce, install, transfer, memory:N", name);
    return 0;
}

/* The number after an option; `word` is its name's place, and then the number's. */
static int parse_number(const struct arguments *arguments, unsigned *word, uint64_t most, uint64_t *value,
                        struct failure *why)
{
    const char *option = arguments_word(arguments, *word), *text = arguments_word(arguments, ++*word);
    if (!text)
        return fail(why, -EINVAL, "%s wants a number after it", option);
    return argument_number(option, text, 0, most, value, why);
}

static int parse_option(const struct arguments *arguments, unsigned *word, struct swap_request *swap,
                        struct failure *why)
{
    const char *option = arguments_word(arguments, *word);
    if (!strcmp(option, "--keep")) {
        swap->keep = true;
        return 0;
    }
    if (!strcmp(option, "--budget"))
        return parse_number(arguments, word, UINT64_MAX, &swap->budget, why);
    if (!strcmp(option, "--probation"))
        return parse_number(arguments, word, PROBATION_MAX, &swap->probation, why);
    return fail(why, -EINVAL, "there is no option '%.64s'; there are --budget, --probation, --keep, --back", option);
}

/* One SLOT MODULE or SLOT --back. */
static int parse_part(const struct arguments *arguments, unsigned *word, struct swap_request *swap, struct failure *why)
{
    const char *policy = arguments_word(arguments, *word + 1);
    if (swap->count == SWAP_PARTS_MAX)
        return fail(why, -E2BIG, "one swap takes at most %u slots", SWAP_PARTS_MAX);
    if (!policy)
        return fail(why, -EINVAL, "slot '%.64s' has no module after it", arguments_word(arguments, *word));
    swap->parts[swap->count].slot = arguments_word(arguments, *word);
    swap->parts[swap->count++].policy = strcmp(policy, "--back") ? policy : NULL;
    ++*word;
    return 0;
}

static int parse_swap(const struct arguments *arguments, struct swap_request *swap, struct failure *why)
{
    int result = parse_failure(arguments_value(arguments, "fail"), swap, why);
    for (unsigned word = 1; result == 0 && arguments_word(arguments, word); word++) {
        if (!strncmp(arguments_word(arguments, word), "--", 2))
            result = parse_option(arguments, &word, swap, why);
        else
            result = parse_part(arguments, &word, swap, why);
    }
    return result == 0 && swap->count == 0 ? fail(why, -EINVAL, "no slot was named") : result;
}

static void show_swap_json(struct json *json, const struct swap_report *report)
{
    json_text(json, "slot", report->parts[0].slot);
    json_text(json, "from", report->parts[0].from);
    json_text(json, "to", report->parts[0].to);
    json_number(json, "threads", strcmp(report->parts[0].moves, "threads") ? 0 : report->parts[0].moved);
    json_list(json, "slots");
    for (unsigned i = 0; i < report->count; i++) {
        json_object(json, NULL);
        json_text(json, "slot", report->parts[i].slot);
        json_text(json, "from", report->parts[i].from);
        json_text(json, "to", report->parts[i].to);
        json_number(json, "moved", report->parts[i].moved);
        json_object_end(json);
    }
    json_list_end(json);
    json_object(json, "phases");
    for (unsigned i = 0; i < SWAP_STEP_COUNT; i++)
        json_number(json, swap_step_names[i], report->cycles[i]);
    json_object_end(json);
    json_number(json, "blackout", report->blackout);
}

static int run_swap(struct request *request, struct failure *why)
{
    struct swap_request swap_request = {.probation = SWAP_PROBATION_DEFAULT};
    struct swap_report report;
    int error = parse_swap(request->arguments, &swap_request, why);

    if (!error)
        error = swap(&swap_request, &report, why);
    if (error)
        return error;
    struct json *json = reply_begin(request);
    if (json) {
        show_swap_json(json, &report);
        show_trust(request, json);
        return 0;
    }
    for (unsigned i = 0; i < report.count; i++)
        reply_print(request, "%s: %s -> %s, %lu %s handed over\n", report.parts[i].slot, report.parts[i].from,
                    report.parts[i].to, report.parts[i].moved, report.parts[i].moves);
    for (unsigned i = 0; i < SWAP_STEP_COUNT; i++)
        reply_print(request, "%-9s%12lu cycles\n", swap_step_names[i], report.cycles[i]);
    reply_print(request, "%-9s%12lu cycles\n", "blackout", report.blackout);
    show_trust(request, NULL);
    return 0;
}

static void show_record_json(struct json *json, const struct sched_record_info *info)
{
    const struct sched_record *record = &info->record;

    json_object(json, NULL);
    json_number(json, "tid", info->thread);
    json_list(json, "fields");
    if (record->fields & SCHED_HAS_SLICE)
        json_text(json, NULL, "slice");
    if (record->fields & SCHED_HAS_LAG)
        json_text(json, NULL, "lag");
    if (record->fields & SCHED_HAS_PRIVATE)
        json_text(json, NULL, "private");
    json_list_end(json);
    json_number(json, "slice", record->slice);
    json_signed(json, "lag", record->lag);
    json_number(json, "family", record->family);
    json_number(json, "private_bytes", record->private_bytes);
    json_object_end(json);
}

static void show_record_text(struct request *request, const struct sched_record_info *info)
{
    const struct sched_record *record = &info->record;

    reply_print(request, "%6u ", info->thread);
    if (record->fields & SCHED_HAS_SLICE)
        reply_print(request, " slice %lu", record->slice);
    if (record->fields & SCHED_HAS_LAG)
        reply_print(request, " lag %ld", record->lag);
    if (record->fields & SCHED_HAS_PRIVATE)
        reply_print(request, " family 0x%x private %u bytes", record->family, record->private_bytes);
    reply_write(request, record->fields ? "\n" : " -\n");
}

/* What the core holds of every thread for the next occupant, the present one's knowledge included. */
static int run_record(struct request *request, struct failure *why)
{
    const char *name = arguments_word(request->arguments, 1);
    const struct slot *slot = slot_find(name);
    struct sched_record_info *list;

    if (!slot)
        return fail(why, -ENOENT, "there is no slot '%.64s'; `slots` lists those there are", name);
    if (strcmp(slot->type->name, "sched"))
        return fail(why, -ENOTSUP, "slots of type %s keep no records", slot->type->name);
    int count = sched_records_snapshot(&list);
    if (count < 0)
        return fail(why, count, "there is no memory for a copy of the records; end some threads");

    struct json *json = reply_begin(request);
    if (json) {
        json_text(json, "slot", slot->name);
        json_text(json, "occupant", slot->occupant->name);
        json_number(json, "version", SCHED_RECORD_VERSION);
        json_list(json, "records");
    } else {
        reply_print(request, "%6s  FIELDS (cycles)\n", "TID");
    }
    for (int i = 0; i < count; i++) {
        if (json)
            show_record_json(json, &list[i]);
        else
            show_record_text(request, &list[i]);
    }
    if (json)
        json_list_end(json);
    heap_free(list);
    return 0;
}

const struct command slots_command = {
    .name = "slots",
    .form = "slots",
    .summary = "lists the slots and the policies in them",
    .run = run_slots,
};

const struct command swap_command = {
    .name = "swap",
    .form = "swap SLOT MODULE [SLOT MODULE ...] [--budget TICKS] [--probation MS] [--keep] [fail=STEP]",
    .summary = "makes modules' policies the occupants of slots, all or none",
    .details = "A module is loaded from the boot archive if it is not in; the slot's fallback\n"
               "can be named as well, and --back in place of a module: the policy that stands by.\n"
               "The old policy stands by for --probation MS milliseconds (100), or until the next\n"
               "swap with --keep. --budget TICKS: undone if the slot is closed for longer.\n"
               "The answer has the cycles of the clock that each step took.\n"
               "fail=STEP makes a step fail on purpose, to see that nothing has changed then:\n"
               "load, prepare, quiesce, install, transfer; or memory:N, the Nth allocation.\n",
    .words_min = 2,
    .words_max = 2 * SWAP_PARTS_MAX + 6,
    .keys = "fail",
    .complete = {complete_slot, complete_module},
    .run = run_swap,
};

const struct command record_command = {
    .name = "record",
    .form = "record SLOT",
    .summary = "shows the records kept for the next occupant",
    .words_min = 1,
    .words_max = 1,
    .complete = {complete_slot},
    .run = run_record,
};
