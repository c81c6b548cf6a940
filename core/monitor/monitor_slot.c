/*
 * monitor_slot.c - the slot `monitor`: what a policy must offer, its calls, and the commands that it gave.
 *
 * Concurrency: the monitor's thread, but for the hand-over.
 */
#include "core/monitor/monitor_slot.h"
#include "core/monitor/arguments.h"
#include "core/swap.h"
#include <arch/cpu.h>
#include <moult/abi.h>
#include <moult/text.h>
#include <string.h>

#define GIVEN_BYTES (8 * (MONITOR_LINE_MAX + 1))
#define REFUSAL_BYTES 128

_Static_assert(MONITOR_LINE_MAX == LINE_LENGTH_MAX, "a line fits");
_Static_assert(sizeof(struct monitor_record) <= RECORD_SLOT_BYTES, "it is asked for in a hand-over");

static void *state;
static struct monitor_record record = {.version = MONITOR_RECORD_VERSION};

/* The commands, one after the other, each ended by a NUL. */
static struct {
    bool open; /* read() is under way */
    unsigned count;
    size_t length, next; /* bytes in use; where the next command begins */
    char text[GIVEN_BYTES];
    char refusal[REFUSAL_BYTES];
} given;

static void forget(void)
{
    given.count = 0;
    given.length = given.next = 0;
}

static void add(const char *text, size_t length)
{
    memcpy(given.text + given.length, text, length);
    given.text[given.length + length] = 0;
    given.length += length + 1;
    given.count++;
}

bool monitor_give(const char *text, size_t length)
{
    if (!given.open || length > MONITOR_LINE_MAX || given.count == MONITOR_GIVE_MAX ||
        length + 1 > GIVEN_BYTES - given.length)
        return false;
    add(text, length);
    return true;
}
EXPORT_SYMBOL(monitor_give);

int monitor_refuse(const char *sentence)
{
    if (given.open)
        text_format(given.refusal, sizeof(given.refusal), "%s", sentence);
    return MONITOR_UNCLEAR;
}
EXPORT_SYMBOL(monitor_refuse);

static bool is_alias(const struct monitor_alias *alias)
{
    return strnlen(alias->name, sizeof(alias->name)) < sizeof(alias->name) &&
           strnlen(alias->words, sizeof(alias->words)) < sizeof(alias->words);
}

static bool is_valid(uint64_t bytes, const void *policy_record)
{
    const struct monitor_record *said = policy_record;
    bool valid = bytes == sizeof(*said) && said->version == MONITOR_RECORD_VERSION &&
                 !(said->fields & ~MONITOR_HAS_ALIASES);
    for (unsigned i = 0; valid && i < MONITOR_ALIASES; i++)
        valid = is_alias(&said->aliases[i]);
    return valid;
}

/* Asks the policy, and keeps its record. 0: it failed, and what it gave does not count. */
static uint64_t ask(const char *line, size_t length)
{
    static struct monitor_record said;
    uint64_t answer, bytes;
    given.open = true;
    answer = (uint32_t)SLOT_RESULT3(SLOT_KIND_MONITOR, monitor_ops, read, state, line, length, 0);
    given.open = false;
    if (answer != MONITOR_READ && answer != MONITOR_UNCLEAR) {
        swap_rescue(SLOT_KIND_MONITOR, "answered %lu to a line", answer);
        return 0;
    }
    said = (struct monitor_record){.version = MONITOR_RECORD_VERSION};
    bytes = SLOT_RESULT2(SLOT_KIND_MONITOR, monitor_ops, save, state, &said);
    if (!is_valid(bytes, &said)) {
        swap_rescue(SLOT_KIND_MONITOR, "wrote a record of %lu bytes that is out of bounds", bytes);
        return 0;
    }
    record.fields |= said.fields;
    if (said.fields & MONITOR_HAS_ALIASES)
        memcpy(record.aliases, said.aliases, sizeof(record.aliases));
    return answer;
}

int monitor_slot_read(const char *line, size_t length, struct failure *why)
{
    unsigned long flags = arch_interrupts_save();
    struct slot_outer outer = slot_enter();
    uint64_t answer = 0;
    forget();
    text_format(given.refusal, sizeof(given.refusal), "the monitor's policy makes no sense of the line");
    if (!swap_rescue_due(SLOT_KIND_MONITOR, slot_at(SLOT_KIND_MONITOR)->occupant))
        answer = ask(line, length);
    slot_leave(&outer);
    arch_interrupts_restore(flags);
    if (answer == MONITOR_UNCLEAR) {
        forget();
        return fail(why, -EINVAL, "%s", given.refusal);
    }
    if (answer == 0) {
        forget();
        add(line, length);
    }
    return 0;
}

bool monitor_slot_next(const char **command, size_t *length)
{
    if (given.next == given.length)
        return false;
    *command = given.text + given.next;
    *length = strlen(*command);
    given.next += *length + 1;
    return true;
}

static int validate(const void *table, struct failure *why)
{
    const struct monitor_ops *ops = table;
    if (!ops->load || !ops->save || !ops->read)
        return fail(why, -EINVAL, "it lacks one of load, save, read");
    return record_slot_check(ops->state_bytes, MONITOR_STATE_BYTES, ops->record_version, MONITOR_RECORD_VERSION, why);
}

static void load(const void *ops, void *policy_state, const void *old)
{
    ((const struct monitor_ops *)ops)->load(policy_state, old);
}

static uint64_t save(const void *ops, const void *policy_state, void *said)
{
    return ((const struct monitor_ops *)ops)->save(policy_state, said);
}

const struct record_slot monitor_record_slot = {
    .state_bytes = MONITOR_STATE_BYTES,
    .record_bytes = sizeof(struct monitor_record),
    .record_version = MONITOR_RECORD_VERSION,
    .record = &record,
    .state = &state,
    .load = load,
    .save = save,
    .is_valid = is_valid,
};

const struct slot_type monitor_slot_type = {
    .name = "monitor",
    .abi = MOULT_ABI_monitor,
    .ops_size = sizeof(struct monitor_ops),
    .functions = offsetof(struct monitor_ops, load),
    .moves = "records",
    .validate = validate,
    .reserve = record_slot_reserve,
    .renew = record_slot_renew,
    .install = record_slot_install,
    .transfer = record_slot_transfer,
    .rebuild = record_slot_rebuild,
    .release = record_slot_release,
};
