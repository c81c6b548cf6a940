/*
 * log_slot.c - the slot `log`: what a policy must offer, and the question whether a line is shown.
 *
 * Concurrency: whoever owns the consoles asks, so one at a time; `held` is the owner's.
 */
#include "core/log_slot.h"
#include "core/swap.h"
#include <arch/cpu.h>
#include <moult/abi.h>
#include <moult/thread.h>
#include <string.h>

static void *state;
static struct log_record record = {.version = LOG_RECORD_VERSION};
static uint64_t held;

static bool is_valid(uint64_t bytes, const void *policy_record)
{
    const struct log_record *said = policy_record;
    return bytes == sizeof(*said) && said->version == LOG_RECORD_VERSION &&
           !(said->fields & ~(LOG_HAS_LAST | LOG_HAS_ALLOWANCE));
}

static void keep(const struct log_record *said)
{
    record.fields |= said->fields;
    if (said->fields & LOG_HAS_LAST)
        record.last = said->last;
    if (said->fields & LOG_HAS_ALLOWANCE) {
        record.allowance = said->allowance;
        record.since = said->since;
    }
}

/* Where the text begins, after the stamp "[    0.123456] ". */
static const char *after_stamp(const char *line, size_t length)
{
    const char *end = memchr(line, ']', length);
    return end && end[1] == ' ' ? end + 2 : line;
}

static bool ask(const struct log_facts *facts)
{
    struct log_record said = {.version = LOG_RECORD_VERSION};
    uint64_t choice, bytes;
    choice = (uint32_t)SLOT_RESULT2(SLOT_KIND_LOG, log_ops, choose, state, facts);
    if (choice >= LOG_CHOICES) {
        swap_rescue(SLOT_KIND_LOG, "chose %lu for a line; there are %u choices", choice, LOG_CHOICES);
        return true;
    }
    bytes = SLOT_RESULT2(SLOT_KIND_LOG, log_ops, save, state, &said);
    if (is_valid(bytes, &said))
        keep(&said);
    else
        swap_rescue(SLOT_KIND_LOG, "wrote a record of %lu bytes that is out of bounds", bytes);
    return choice == LOG_SHOW;
}

bool log_slot_shows(const char *line, size_t length, uint64_t *held_before)
{
    const char *text = after_stamp(line, length);
    struct log_facts facts = {
        .text = text, .length = length - (size_t)(text - line), .now = clock_nanoseconds(), .held = held};
    unsigned long flags = arch_interrupts_save();
    struct slot_outer outer = slot_enter();
    bool shown = !state || swap_rescue_due(SLOT_KIND_LOG, slot_at(SLOT_KIND_LOG)->occupant) || ask(&facts);
    slot_leave(&outer);
    *held_before = held;
    held = shown ? 0 : held + 1;
    arch_interrupts_restore(flags);
    return shown;
}

static int validate(const void *table, struct failure *why)
{
    const struct log_ops *ops = table;
    if (!ops->load || !ops->save || !ops->choose)
        return fail(why, -EINVAL, "it lacks one of load, save, choose");
    return record_slot_check(ops->state_bytes, LOG_STATE_BYTES, ops->record_version, LOG_RECORD_VERSION, why);
}

static void load(const void *ops, void *policy_state, const void *old)
{
    ((const struct log_ops *)ops)->load(policy_state, old);
}

static uint64_t save(const void *ops, const void *policy_state, void *said)
{
    return ((const struct log_ops *)ops)->save(policy_state, said);
}

const struct record_slot log_record_slot = {
    .state_bytes = LOG_STATE_BYTES,
    .record_bytes = sizeof(struct log_record),
    .record_version = LOG_RECORD_VERSION,
    .record = &record,
    .state = &state,
    .load = load,
    .save = save,
    .is_valid = is_valid,
};

const struct slot_type log_slot_type = {
    .name = "log",
    .abi = MOULT_ABI_log,
    .ops_size = sizeof(struct log_ops),
    .functions = offsetof(struct log_ops, load),
    .moves = "records",
    .validate = validate,
    .reserve = record_slot_reserve,
    .renew = record_slot_renew,
    .install = record_slot_install,
    .transfer = record_slot_transfer,
    .rebuild = record_slot_rebuild,
    .release = record_slot_release,
};
