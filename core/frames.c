/*
 * frames.c - the frame table, and how a frame is allocated and freed: the policy chooses, the table is changed here.
 *
 * Whatever the policy returns counts only if the table says that it is free; else the policy has broken its contract,
 * and the core goes on with a block that it finds in the table by itself. So it does before there is a policy. A policy
 * that finds nothing is given chunks that it has not yet, until it does.
 *
 * Entry points: frames_alloc(), frames_free(). Concurrency: one lock, innermost but for the log's and the console's.
 * Where the policy keeps caches, single frames come and go without it: interrupts are off, so that no rendezvous comes
 * in between, and the table's bytes change atomically. O(1) beside the policy's own work.
 */
#include "core/frames.h"
#include "core/fault.h"
#include "core/frames_private.h"
#include "core/panic.h"
#include "core/slot_call.h"
#include "core/swap.h"
#include <moult/text.h>
#include <string.h>

#define EVERY_BYTE 0x0101010101010101ul
#define GATHER 0x0102040810204080ul /* times a word of bytes that are 0 or 1: the highest byte has bit n for byte n */

#define HAS_CACHE slot_has(SLOT_KIND_FRAMES, offsetof(struct frames_ops, cache_take))

struct frames frames;
struct frames_local frames_local[CPU_MAX];

/* Context: interrupts off. */
static inline unsigned this_index(void)
{
    return spin_mark() - 1;
}

/*
 * Where the table of `bytes` bytes goes: the end of the last run that is long enough, out of the way of memory for old
 * devices.
 */
static size_t choose_table_run(const struct memory_run *runs, size_t count, uint64_t table_frames)
{
    for (size_t i = count; i-- > 0;) {
        if (runs[i].last - runs[i].first > table_frames)
            return i;
    }
    panic("no run of memory has room for the frame table of %lu KiB; give the machine more memory",
          table_frames * PAGE_SIZE / 1024);
}

void frames_init(const struct memory_run *runs, size_t count)
{
    frames.limit = runs[count - 1].last;
    frames.chunks = frames.unadopted = (frames.limit + FRAMES_IN_CHUNK - 1) / FRAMES_IN_CHUNK;
    frames.search = frames.chunks - 1;
    uint64_t table_frames = (frames.chunks * FRAMES_IN_CHUNK + PAGE_MASK) / PAGE_SIZE;
    size_t table_run = choose_table_run(runs, count, table_frames);
    uint64_t table_first = runs[table_run].last - table_frames;

    frames.table = physical_to_virtual(table_first * PAGE_SIZE);
    memset(frames.table, FRAME_RESERVED, frames.chunks * FRAMES_IN_CHUNK);
    for (size_t i = 0; i < count; i++) {
        uint64_t first = runs[i].first ? runs[i].first : 1; /* address 0 means "none" */
        uint64_t last = i == table_run ? table_first : runs[i].last;
        if (i == table_run) {
            memset(frames.table + table_first, FRAME_TABLE, table_frames);
            frames.total += table_frames;
        }
        if (first >= last)
            continue;
        memset(frames.table + first, FRAME_FREE, last - first);
        frames.total += last - first;
        frames.first_free += last - first;
    }
}

void frames_read_chunk(uint64_t chunk, struct frame_bits *free)
{
    const uint64_t *states = (const uint64_t *)(frames.table + chunk * FRAMES_IN_CHUNK);

    for (unsigned i = 0; i < FRAME_WORDS; i++) {
        uint64_t word = 0;
        for (unsigned j = 0; j < 8; j++)
            word |= ((*states++ & EVERY_BYTE) * GATHER >> 56) << j * 8;
        free->words[i] = word;
    }
}

uint64_t frames_free_now(void)
{
    int64_t taken = 0;

    for (unsigned i = 0; i < cpu_count; i++)
        taken += __atomic_load_n(&frames_local[i].taken, __ATOMIC_RELAXED);
    return frames.first_free - (uint64_t)taken;
}

bool frames_policy_sound(void)
{
    return frames.policy && !frames.broken && !swap_rescue_due(SLOT_KIND_FRAMES, frames.policy);
}

static inline void count_taken(int64_t count)
{
    frames_local[this_index()].taken += count;
}

/* Changes one frame's state if it is `from`. */
static inline bool flip(uint64_t frame, uint8_t from, uint8_t to)
{
    return __atomic_compare_exchange_n(&frames.table[frame], &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* Changes the state of a block's frames if all are `from`; else of none. Whatever `first` is. */
static bool flip_block(uint64_t first, unsigned order, uint8_t from, uint8_t to)
{
    uint64_t count = 1ul << order;

    if (first >= frames.limit || first % count)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (flip(first + i, from, to))
            continue;
        while (i-- > 0)
            flip(first + i, to, from);
        return false;
    }
    return true;
}

void frames_breach(const char *format, ...)
{
    char what[SLOT_REASON_BYTES];
    va_list arguments;
    va_start(arguments, format);
    text_format_list(what, sizeof(what), format, arguments);
    va_end(arguments);
    slot_fault(SLOT_KIND_FRAMES, NULL, what);
}

void frames_adopt_next(void)
{
    uint64_t chunk = --frames.unadopted;
    struct frame_bits free, held = {{0}};

    frames_read_chunk(chunk, &free);
    SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, adopt, frames.store, chunk, &free);
    SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, show, frames.store, chunk, &held);
    if (memcmp(&free, &held, sizeof(free)) != 0)
        frames_breach("does not hold the free frames of chunk %lu, which it was given", chunk);
    frames.moved += frame_bits_count(&free);
}

/*
 * A block that the core finds by itself, downwards from where it found the last; FRAMES_NONE: there is none. The lock
 * is held. O(chunks).
 */
static uint64_t search(unsigned order)
{
    for (uint64_t looked = 0; looked < frames.chunks; looked++) {
        struct frame_bits free;
        unsigned at;
        frames_read_chunk(frames.search, &free);
        at = frame_bits_find(&free, order);
        if (at < FRAMES_IN_CHUNK && flip_block(frames.search * FRAMES_IN_CHUNK + at, order, FRAME_FREE, FRAME_USED))
            return frames.search * FRAMES_IN_CHUNK + at;
        frames.search = (frames.search ? frames.search : frames.chunks) - 1;
    }
    return FRAMES_NONE;
}

/*
 * A policy that finds no frame tells the truth if all that are free may be in caches, or on their way there. The lock
 * is held: without caches, the count is exact.
 */
static bool may_be_none(void)
{
    return frames_free_now() <= (HAS_CACHE ? cpu_count * (FRAMES_CACHE_FRAMES + 1) : 0);
}

/* A block of the store's. The lock is held. */
static uint64_t take_locked(unsigned order)
{
    if (!frames_policy_sound())
        return search(order);
    for (;;) {
        uint64_t frame = SLOT_RESULT3(SLOT_KIND_FRAMES, frames_ops, take, frames.store, order, this_index(), 0);
        if (frame != FRAMES_NONE) {
            if (flip_block(frame, order, FRAME_FREE, FRAME_USED))
                return frame;
            frames_breach("gave out a block of order %u that is not free (%#lx)", order, frame);
            return search(order);
        }
        if (frames.unadopted == 0)
            break;
        frames_adopt_next();
    }
    if (order > 0 || may_be_none())
        return FRAMES_NONE;
    frames_breach("finds no frame, but %lu are free", frames_free_now());
    return search(order);
}

static uint64_t take_shared(unsigned order)
{
    spin_lock(&frames.lock);
    uint64_t frame = take_locked(order);
    if (frame != FRAMES_NONE)
        count_taken(1l << order);
    spin_unlock(&frames.lock);
    return frame;
}

static void exchange(struct frames_cache *cache, enum frames_exchange which)
{
    spin_lock(&frames.lock);
    if (frames_policy_sound())
        SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, exchange, frames.store, cache, which);
    spin_unlock(&frames.lock);
}

/* A frame of this CPU's cache; FRAMES_NONE: the store is to be asked. */
static uint64_t take_cached(void)
{
    struct frames_cache *cache = frames_local[this_index()].cache;
    uint64_t frame = SLOT_RESULT2(SLOT_KIND_FRAMES, frames_ops, cache_take, cache, this_index());

    if (__builtin_expect(frame == FRAMES_NONE, 0)) {
        exchange(cache, FRAMES_REFILL);
        frame = SLOT_RESULT2(SLOT_KIND_FRAMES, frames_ops, cache_take, cache, this_index());
    }
    if (__builtin_expect(frame < frames.limit && flip(frame, FRAME_FREE, FRAME_USED), 1)) {
        count_taken(1);
        return frame;
    }
    if (frame != FRAMES_NONE)
        frames_breach("gave out a frame that is not free (%#lx)", frame);
    return FRAMES_NONE;
}

physical_address frames_alloc_block(unsigned order)
{
    if (fault_due())
        return 0;
    unsigned long flags = arch_interrupts_save();
    uint64_t frame = FRAMES_NONE;

    if (HAS_CACHE && order == 0)
        frame = take_cached();
    if (frame == FRAMES_NONE)
        frame = take_shared(order);
    arch_interrupts_restore(flags);
    return frame * PAGE_SIZE;
}

physical_address frames_alloc(void)
{
    return frames_alloc_block(0);
}

physical_address frames_alloc_zeroed(void)
{
    physical_address frame = frames_alloc();

    if (frame)
        memset(physical_to_virtual(frame), 0, PAGE_SIZE);
    return frame;
}

static _Noreturn __attribute__((cold)) void refuse(uint64_t frame)
{
    panic("a frame was given back that is not in use: 0x%lx", frame * PAGE_SIZE);
}

static void give_cached(uint64_t frame)
{
    struct frames_cache *cache = frames_local[this_index()].cache;

    if (!flip(frame, FRAME_USED, FRAME_FREE))
        refuse(frame);
    if (SLOT_RESULT2(SLOT_KIND_FRAMES, frames_ops, cache_give, cache, frame) & 0xff)
        return;
    exchange(cache, FRAMES_SPILL);
    if (!(SLOT_RESULT2(SLOT_KIND_FRAMES, frames_ops, cache_give, cache, frame) & 0xff))
        frames_breach("does not take a frame back (%#lx)", frame);
}

static void give_shared(uint64_t frame, unsigned order)
{
    spin_lock(&frames.lock);
    if (!flip_block(frame, order, FRAME_USED, FRAME_FREE))
        refuse(frame);
    if (frame / FRAMES_IN_CHUNK >= frames.unadopted && frames_policy_sound())
        SLOT_CALL3(SLOT_KIND_FRAMES, frames_ops, give, frames.store, frame, order);
    spin_unlock(&frames.lock);
}

void frames_free_block(physical_address address, unsigned order)
{
    uint64_t frame = address / PAGE_SIZE;
    unsigned long flags = arch_interrupts_save();

    if (address % PAGE_SIZE || frame >= frames.limit)
        panic("a frame was given back that is not in use: 0x%lx", address);
    if (HAS_CACHE && order == 0 && frame / FRAMES_IN_CHUNK >= frames.unadopted)
        give_cached(frame);
    else
        give_shared(frame, order);
    count_taken(-(1l << order));
    arch_interrupts_restore(flags);
}

void frames_free(physical_address frame)
{
    frames_free_block(frame, 0);
}

void frames_count(struct frames_count *count)
{
    count->total = frames.total;
    count->free = frames_free_now();
    count->used = frames.total - count->free;
    count->reserved = frames.limit - frames.total;
}
