/*
 * frames_check.c - the frame table, recounted, and compared with what the policy has.
 *
 * A table that does not agree with the counters is a violation. A policy that does not agree with the table is
 * replaced. Its caches are emptied into its store first, as it is asked for what is in the store alone.
 *
 * Entry point: frames_check(), with all CPUs held, which takes no lock.
 */
#include "core/frames.h"
#include "core/frames_private.h"
#include "core/slot_call.h"
#include <moult/text.h>
#include <string.h>

/* Counts one disagreement; the first one is described. */
__attribute__((format(printf, 4, 5))) static void disagree(unsigned *violations, char *details, size_t capacity,
                                                           const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if ((*violations)++ == 0)
        text_format_list(details, capacity, format, arguments);
    va_end(arguments);
}

static void check_table(unsigned *violations, char *details, size_t capacity)
{
    static uint64_t by_state[256];
    uint64_t free = frames_free_now(), known, used;

    memset(by_state, 0, sizeof by_state);
    for (uint64_t frame = 0; frame < frames.limit; frame++)
        by_state[frames.table[frame]]++;
    used = by_state[FRAME_USED] + by_state[FRAME_TABLE];
    known = used + by_state[FRAME_FREE] + by_state[FRAME_RESERVED];
    if (known != frames.limit)
        disagree(violations, details, capacity, "%lu frames have an unknown state", frames.limit - known);
    if (by_state[FRAME_FREE] != free)
        disagree(violations, details, capacity, "%lu frames are free, but %lu are counted", by_state[FRAME_FREE], free);
    if (used != frames.total - free)
        disagree(violations, details, capacity, "%lu frames are used, but %lu are counted", used, frames.total - free);
}

/*
 * Each chunk of the policy's: it has the frames that are free, all of them and no other. Else it has broken its
 * contract; the core's own table is none the worse for it.
 */
static void check_policy(void)
{
    if (slot_has(SLOT_KIND_FRAMES, offsetof(struct frames_ops, exchange))) {
        for (unsigned i = 0; i < cpu_count; i++)
            SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, exchange, frames.store, frames_local[i].cache, FRAMES_EMPTY);
    }
    for (uint64_t chunk = frames.unadopted; chunk < frames.chunks && frames_policy_sound(); chunk++) {
        struct frame_bits free, held = {{0}};
        frames_read_chunk(chunk, &free);
        SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, show, frames.store, chunk, &held);
        for (unsigned i = 0; i < FRAME_WORDS; i++) {
            if (free.words[i] & ~held.words[i])
                frames_breach("has lost a free frame of chunk %lu", chunk);
            else if (held.words[i] & ~free.words[i])
                frames_breach("has a frame of chunk %lu that is not free", chunk);
        }
    }
}

unsigned frames_check(char *details, size_t capacity)
{
    unsigned violations = 0;

    check_table(&violations, details, capacity);
    if (frames_policy_sound())
        check_policy();
    return violations;
}
