/*
 * console_slot.c - the slot `console`: what a policy must offer, its calls, and the sending of what it gave.
 *
 * What is given is gathered, and sent when the policy has returned and its record is kept; then interrupts are as
 * before, since a device may be slow.
 *
 * Concurrency: all but the hand-over is for the owner of the consoles alone.
 */
#include "core/console_slot.h"
#include "core/swap.h"
#include <arch/cpu.h>
#include <arch/machine.h>
#include <moult/abi.h>
#include <string.h>

static void *state;
static struct console_record record = {.version = CONSOLE_RECORD_VERSION};

static struct {
    bool open; /* write() is under way */
    size_t length[CONSOLE_DEVICES];
    char bytes[CONSOLE_DEVICES][CONSOLE_GIVE_MAX];
} given;

static void send(unsigned device, const char *bytes, size_t length)
{
    if (device == 0)
        arch_serial_write(bytes, length);
    else
        arch_screen_write(bytes, length);
}

static unsigned devices_there(void)
{
    return (arch_serial_present(0) ? CONSOLE_SERIAL : 0) | (arch_screen_present() ? CONSOLE_SCREEN : 0);
}

/* Gives a text with returns to whoever `put` writes for. Stops when it says no. */
static bool each_line(bool (*put)(unsigned, const char *, size_t), unsigned devices, const char *text, size_t length)
{
    bool good = true;
    while (good && length) {
        const char *newline = memchr(text, '\n', length);
        size_t plain = newline ? (size_t)(newline - text) : length;
        good = (plain == 0 || put(devices, text, plain)) && (!newline || put(devices, "\r\n", 2));
        text += plain + (newline != NULL);
        length -= plain + (newline != NULL);
    }
    return good;
}

static bool send_all(unsigned devices, const char *bytes, size_t length)
{
    for (unsigned i = 0; i < CONSOLE_DEVICES; i++)
        if (devices >> i & 1)
            send(i, bytes, length);
    return true;
}

void console_write_plainly(const char *text, size_t length)
{
    each_line(send_all, CONSOLE_ALL, text, length);
}

bool console_give(unsigned devices, const char *bytes, size_t length)
{
    bool fits = given.open;
    for (unsigned i = 0; i < CONSOLE_DEVICES; i++)
        if (devices >> i & 1 && length > CONSOLE_GIVE_MAX - given.length[i])
            fits = false;
    for (unsigned i = 0; fits && i < CONSOLE_DEVICES; i++) {
        if (!(devices >> i & 1))
            continue;
        memcpy(given.bytes[i] + given.length[i], bytes, length);
        given.length[i] += length;
    }
    return fits;
}
EXPORT_SYMBOL(console_give);

bool console_give_lines(unsigned devices, const char *text, size_t length)
{
    size_t before[CONSOLE_DEVICES];
    memcpy(before, given.length, sizeof(before));
    if (each_line(console_give, devices, text, length))
        return true;
    if (given.open)
        memcpy(given.length, before, sizeof(before));
    return false;
}
EXPORT_SYMBOL(console_give_lines);

static bool is_valid(uint64_t bytes, const void *policy_record)
{
    const struct console_record *said = policy_record;
    return bytes == sizeof(*said) && said->version == CONSOLE_RECORD_VERSION && !(said->fields & ~CONSOLE_HAS_ROW) &&
           said->row < CONSOLE_ROWS;
}

/* Asks the policy. False: it failed, and what it gave does not count. */
static bool ask(const struct console_facts *facts)
{
    struct console_record said = {.version = CONSOLE_RECORD_VERSION};
    uint64_t answer, bytes;
    memset(given.length, 0, sizeof(given.length));
    given.open = true;
    answer = (uint32_t)SLOT_RESULT2(SLOT_KIND_CONSOLE, console_ops, write, state, facts);
    given.open = false;
    if (answer != CONSOLE_WRITTEN) {
        swap_rescue(SLOT_KIND_CONSOLE, "answered %lu to a text", answer);
        return false;
    }
    bytes = SLOT_RESULT2(SLOT_KIND_CONSOLE, console_ops, save, state, &said);
    if (!is_valid(bytes, &said)) {
        swap_rescue(SLOT_KIND_CONSOLE, "wrote a record of %lu bytes that is out of bounds", bytes);
        return false;
    }
    record.fields |= said.fields;
    if (said.fields & CONSOLE_HAS_ROW)
        record.row = said.row;
    return true;
}

static void write_part(enum console_kind kind, const char *text, size_t length)
{
    struct console_facts facts = {.text = text, .length = length, .kind = kind, .devices = devices_there()};
    unsigned long flags = arch_interrupts_save();
    struct slot_outer outer = slot_enter();
    bool said = state && !swap_rescue_due(SLOT_KIND_CONSOLE, slot_at(SLOT_KIND_CONSOLE)->occupant) && ask(&facts);
    slot_leave(&outer);
    arch_interrupts_restore(flags);
    for (unsigned i = 0; said && i < CONSOLE_DEVICES; i++)
        send(i, given.bytes[i], given.length[i]);
    if (!said)
        console_write_plainly(text, length);
}

void console_slot_write(enum console_kind kind, const char *text, size_t length)
{
    while (length) {
        size_t part = length < CONSOLE_TEXT_MAX ? length : CONSOLE_TEXT_MAX;
        write_part(kind, text, part);
        text += part;
        length -= part;
    }
}

static int validate(const void *table, struct failure *why)
{
    const struct console_ops *ops = table;
    if (!ops->load || !ops->save || !ops->write)
        return fail(why, -EINVAL, "it lacks one of load, save, write");
    return record_slot_check(ops->state_bytes, CONSOLE_STATE_BYTES, ops->record_version, CONSOLE_RECORD_VERSION, why);
}

static void load(const void *ops, void *policy_state, const void *old)
{
    ((const struct console_ops *)ops)->load(policy_state, old);
}

static uint64_t save(const void *ops, const void *policy_state, void *said)
{
    return ((const struct console_ops *)ops)->save(policy_state, said);
}

const struct record_slot console_record_slot = {
    .state_bytes = CONSOLE_STATE_BYTES,
    .record_bytes = sizeof(struct console_record),
    .record_version = CONSOLE_RECORD_VERSION,
    .record = &record,
    .state = &state,
    .load = load,
    .save = save,
    .is_valid = is_valid,
};

const struct slot_type console_slot_type = {
    .name = "console",
    .abi = MOULT_ABI_console,
    .ops_size = sizeof(struct console_ops),
    .functions = offsetof(struct console_ops, load),
    .moves = "records",
    .validate = validate,
    .reserve = record_slot_reserve,
    .renew = record_slot_renew,
    .install = record_slot_install,
    .transfer = record_slot_transfer,
    .rebuild = record_slot_rebuild,
    .release = record_slot_release,
};
