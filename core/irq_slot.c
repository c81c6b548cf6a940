/*
 * irq_slot.c - the slots `irq.<line>`: what an ISR must offer, the calls of each line's, and its hand-over.
 *
 * The core's copy of a line's record is as of the last interrupt, so the policy that goes is not asked for anything: in
 * a rendezvous, in which no CPU is in an ISR, the new one loads that record. A level line is masked before, and its
 * interrupts are over.
 */
#include "core/irq_slot.h"
#include "core/contain.h"
#include "core/heap.h"
#include "core/log.h"
#include <moult/abi.h>
#include <moult/errors.h>
#include <string.h>

#define QUIET_POLLS 10000

static const struct irq_ops *ops_of(const struct policy *policy)
{
    return policy->ops;
}

/* One direct call for each line: which is which is known when the kernel is built. */
#define EACH_LINE(CALL)               \
    switch (line->kind) {             \
    case SLOT_KIND_IRQ_KEYBOARD:      \
        CALL(SLOT_KIND_IRQ_KEYBOARD); \
    case SLOT_KIND_IRQ_SERIAL_2:      \
        CALL(SLOT_KIND_IRQ_SERIAL_2); \
    case SLOT_KIND_IRQ_SERIAL:        \
        CALL(SLOT_KIND_IRQ_SERIAL);   \
    case SLOT_KIND_IRQ_TIMER:         \
        CALL(SLOT_KIND_IRQ_TIMER);    \
    case SLOT_KIND_IRQ_SOFTWARE:      \
        CALL(SLOT_KIND_IRQ_SOFTWARE); \
    default:                          \
        return 0;                     \
    }

uint64_t irq_slot_handle(struct irq_line *line){
#define CALL_HANDLE(kind) return (uint32_t)SLOT_RESULT2(kind, irq_ops, handle, line->state, line->number)
    EACH_LINE(CALL_HANDLE)}

uint64_t irq_slot_save(struct irq_line *line, struct irq_record *record)
{
#define CALL_SAVE(kind) return SLOT_RESULT2(kind, irq_ops, save, line->state, record)
    EACH_LINE(CALL_SAVE)
}

static bool record_is_valid(uint64_t bytes, const struct irq_record *said)
{
    const uint32_t known = IRQ_HAS_KEYS | IRQ_HAS_LAST | IRQ_HAS_PRIVATE;
    if (bytes != sizeof(*said) || said->version != IRQ_RECORD_VERSION || said->fields & ~known)
        return false;
    if (said->fields & IRQ_HAS_KEYS && (said->keys.held & ~IRQ_KEYS_ALL || said->keys.skip > 2))
        return false;
    return !(said->fields & IRQ_HAS_PRIVATE) || said->private_bytes <= sizeof(said->private);
}

bool irq_record_keep(struct irq_line *line, uint64_t bytes, const struct irq_record *said)
{
    struct irq_record *kept = &line->record;
    if (!record_is_valid(bytes, said))
        return false;
    kept->version = IRQ_RECORD_VERSION;
    kept->fields |= said->fields;
    if (said->fields & IRQ_HAS_KEYS)
        kept->keys = said->keys;
    if (said->fields & IRQ_HAS_LAST)
        kept->last = said->last;
    if (said->fields & IRQ_HAS_PRIVATE) {
        kept->family = said->family;
        kept->private_bytes = said->private_bytes;
        memcpy(kept->private, said->private, sizeof(kept->private));
    }
    return true;
}

static int validate(const void *table, struct failure *why)
{
    const struct irq_ops *ops = table;
    if (ops->state_bytes > IRQ_STATE_BYTES)
        return fail(why, -E2BIG, "it wants %u bytes for a line; there are %u", ops->state_bytes, IRQ_STATE_BYTES);
    if (ops->record_version != IRQ_RECORD_VERSION)
        return fail(why, -EABI, "it speaks version %u of a line's record, the kernel %u", ops->record_version,
                    IRQ_RECORD_VERSION);
    if (!ops->load || !ops->save || !ops->handle)
        return fail(why, -EINVAL, "it lacks one of load, save, handle");
    return 0;
}

static int renew(struct policy *policy)
{
    memset(policy->memory, 0, IRQ_STATE_BYTES);
    return 0;
}

static int reserve(struct policy *candidate, struct failure *why)
{
    const struct irq_device *device = irq_line_of_kind(candidate->kind)->device;
    if (!(ops_of(candidate)->sources & device->source))
        return fail(why, -EINVAL, "%s does not know what the device of this line gives, the %s", candidate->name,
                    device->name);
    candidate->memory = heap_alloc_zeroed(1, IRQ_STATE_BYTES);
    return candidate->memory ? 0 : fail(why, -ENOMEM, "there is no memory for its state");
}

static void release(struct policy *policy)
{
    heap_free(policy->memory);
    policy->memory = NULL;
}

/* In a rendezvous, or at boot. Whatever came meanwhile is served at once. */
static void install(struct policy *policy)
{
    struct irq_line *line = irq_line_of_kind(policy->kind);
    line->state = policy->memory;
    line->failed = line->swapping = false;
    line->vain = 0;
    irq_update_mask(line);
    if (line->open)
        irq_kick(line);
}

/* A call of one of a policy's functions from the swapper, and what came of it. */
struct request {
    const struct irq_ops *ops;
    struct irq_state *state;
    const struct irq_line *line;
    struct irq_record said;
    uint64_t bytes;
    int answer;
};

static struct request request_of(const struct policy *policy)
{
    return (struct request){.ops = ops_of(policy),
                            .state = policy->memory,
                            .line = irq_line_of_kind(policy->kind),
                            .said = {.version = IRQ_RECORD_VERSION}};
}

static void call_prepare(void *argument)
{
    struct request *request = argument;
    request->answer = request->ops->prepare(request->state);
}

static void call_carry_on(void *argument)
{
    const struct request *request = argument;
    request->ops->carry_on(request->state);
}

static void call_load(void *argument)
{
    struct request *request = argument;
    request->ops->load(request->state, request->line->number, &request->line->record);
    request->bytes = request->ops->save(request->state, &request->said);
}

/* Masks a level line, and waits until what was accepted of it is ended. -EAGAIN: not so soon. */
static int mask_level(struct irq_line *line)
{
    bool quiet = false;
    for (unsigned polls = 0; !quiet && polls < QUIET_POLLS; polls++) {
        unsigned long flags = spin_lock_save(&line->lock);
        line->swapping = line->open && line->level;
        irq_update_mask(line);
        quiet = !line->swapping || arch_line_quiet(line->number);
        spin_unlock_restore(&line->lock, flags);
        arch_relax();
    }
    return quiet ? 0 : -EAGAIN;
}

static void unmask_level(struct irq_line *line)
{
    unsigned long flags = spin_lock_save(&line->lock);
    line->swapping = false;
    irq_update_mask(line);
    spin_unlock_restore(&line->lock, flags);
}

static int prepare(struct policy *policy)
{
    const struct module *module;
    struct request request = request_of(policy);
    struct irq_line *line = irq_line_of_kind(policy->kind);
    if (request.ops->prepare && contain_call(call_prepare, &request, &module) != 0) {
        slot_fault(policy->kind, module, contain_reason());
        return -EPROTO;
    }
    if (request.answer > 0)
        request.answer = -EPROTO;
    if (request.answer == 0)
        request.answer = mask_level(line);
    if (request.answer != 0)
        unmask_level(line);
    return request.answer;
}

static void carry_on(struct policy *policy)
{
    const struct module *module;
    struct request request = request_of(policy);
    if (request.ops->carry_on && contain_call(call_carry_on, &request, &module) != 0)
        slot_fault(policy->kind, module, contain_reason());
    unmask_level(irq_line_of_kind(policy->kind));
}

/* The policy takes the line over as the core's copy of the record says, and can say it again. */
static int load(struct policy *to, struct failure *why)
{
    const struct module *module;
    struct request request = request_of(to);
    if (contain_call(call_load, &request, &module) != 0)
        return fail(why, -EPROTO, "%s: %s", to->name, contain_reason());
    if (!record_is_valid(request.bytes, &request.said))
        return fail(why, -EPROTO, "%s writes a record of %lu bytes that is out of bounds; the line's has %lu", to->name,
                    request.bytes, sizeof(request.said));
    return 0;
}

static int transfer(struct policy *from, struct policy *to, uint64_t *moved, struct failure *why)
{
    (void)from;
    *moved = 1;
    return load(to, why);
}

static int rebuild(struct policy *to, uint64_t *moved)
{
    *moved = 1;
    return load(to, NULL);
}

void irq_slot_begin(struct irq_line *line)
{
    const struct irq_ops *ops = slot_at(line->kind)->occupant->ops;
    line->record.version = IRQ_RECORD_VERSION;
    ops->load(line->state, line->number, &line->record);
}

const struct slot_type irq_slot_type = {
    .name = "irq",
    .abi = MOULT_ABI_irq,
    .ops_size = sizeof(struct irq_ops),
    .functions = offsetof(struct irq_ops, prepare),
    .moves = "lines",
    .validate = validate,
    .reserve = reserve,
    .renew = renew,
    .install = install,
    .prepare = prepare,
    .carry_on = carry_on,
    .transfer = transfer,
    .rebuild = rebuild,
    .release = release,
};
