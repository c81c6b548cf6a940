/*
 * frames_check.c - the frame table, recounted, and compared with what the policy has.
 *
 * Entry point: frames_check(), with all CPUs held, which takes no lock. The policy's caches are emptied into its store
 * first, as it is asked for what is in the store alone.
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

/* Each chunk of the policy's: it has the frames that are free, all of them and no other. */
static void check_policy(unsigned *violations, char *details, size_t capacity)
{
    if (slot_has(SLOT_KIND_FRAMES, offsetof(struct frames_ops, exchange))) {
        for (unsigned i = 0; i < cpu_count; i++)
            SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, exchange, frames.store, frames_local[i].cache, FRAMES_EMPTY);
    }
    for (uint64_t chunk = frames.unadopted; chunk < frames.chunks; chunk++) {
        struct frame_bits free, held = {{0}};
        frames_read_chunk(chunk, &free);
        SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, show, frames.store, chunk, &held);
        for (unsigned i = 0; i < FRAME_WORDS; i++) {
            uint64_t other = free.words[i] ^ held.words[i], lowest = other & -other;
            if (other)
                disagree(violations, details, capacity, "frame 0x%lx is %s",
                         chunk * FRAMES_IN_CHUNK + i * 64 + (unsigned)__builtin_ctzl(other),
                         free.words[i] & lowest ? "free, but the policy does not have it"
                                                : "not free, but the policy has it");
        }
    }
}

unsigned frames_check(char *details, size_t capacity)
{
    unsigned violations = 0;

    check_table(&violations, details, capacity);
    check_policy(&violations, details, capacity);
    return violations;
}
