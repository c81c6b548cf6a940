/*
 * frames.c - the frame table, and the stack of free runs.
 *
 * A free run of frames describes itself in its own first frame, seen through the direct map: how long it is, and which
 * run is next. All memory is a few runs after boot, so that nothing has to be prepared frame by frame; a frame that is
 * given back is a run of one.
 *
 * Entry points: frames_alloc(), frames_free(). Concurrency: one lock, innermost but for the log's and the console's;
 * O(1).
 */
#include "core/frames.h"
#include "core/lock.h"
#include "core/panic.h"
#include <moult/text.h>
#include <string.h>

/* What the table says of a frame. Zero: everything that no memory run named. */
enum frame_state {
    FRAME_RESERVED,
    FRAME_FREE,
    FRAME_USED,
    FRAME_TABLE,  /* holds the frame table itself: used for ever */
    FRAME_LISTED, /* within frames_check() alone: free, and seen on the list */
};

/* At the start of a free run. */
struct free_run {
    uint64_t next;  /* the first frame of the next run; 0: none */
    uint64_t count; /* its frames, this one included; at least 1 */
};

/* Under `lock`, once frames_init() is done. */
static struct {
    struct spinlock lock;
    uint8_t *table;       /* one frame_state for each frame below `limit` */
    uint64_t limit;       /* one more than the highest frame's number */
    uint64_t first_run;   /* the top of the stack of free runs; 0: none */
    uint64_t total, free; /* frames of usable memory, and those of them that are free */
} frames;

static inline struct free_run *run_at(uint64_t frame)
{
    return physical_to_virtual(frame * PAGE_SIZE);
}

static void push_run(uint64_t first, uint64_t count)
{
    *run_at(first) = (struct free_run){.next = frames.first_run, .count = count};
    frames.first_run = first;
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
    uint64_t table_frames = (frames.limit + PAGE_MASK) / PAGE_SIZE;
    size_t table_run = choose_table_run(runs, count, table_frames);
    uint64_t table_first = runs[table_run].last - table_frames;

    frames.table = physical_to_virtual(table_first * PAGE_SIZE);
    memset(frames.table, FRAME_RESERVED, frames.limit);
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
        push_run(first, last - first);
        frames.total += last - first;
        frames.free += last - first;
    }
}

physical_address frames_alloc(void)
{
    unsigned long flags = spin_lock_save(&frames.lock);
    uint64_t frame = frames.first_run;

    if (frame) {
        struct free_run *run = run_at(frame);
        if (--run->count)
            frame += run->count; /* the run's last frame, so that its head may stay */
        else
            frames.first_run = run->next;
        ASSERT(frame < frames.limit && frames.table[frame] == FRAME_FREE);
        frames.table[frame] = FRAME_USED;
        frames.free--;
    }
    spin_unlock_restore(&frames.lock, flags);
    return frame * PAGE_SIZE;
}

physical_address frames_alloc_zeroed(void)
{
    physical_address frame = frames_alloc();

    if (frame)
        memset(physical_to_virtual(frame), 0, PAGE_SIZE);
    return frame;
}

void frames_free(physical_address address)
{
    uint64_t frame = address / PAGE_SIZE;
    unsigned long flags = spin_lock_save(&frames.lock);

    if (address % PAGE_SIZE || frame >= frames.limit || frames.table[frame] != FRAME_USED)
        panic("a frame was given back that is not in use: 0x%lx", address);
    frames.table[frame] = FRAME_FREE;
    push_run(frame, 1);
    frames.free++;
    spin_unlock_restore(&frames.lock, flags);
}

void frames_count(struct frames_count *count)
{
    unsigned long flags = spin_lock_save(&frames.lock);

    count->total = frames.total;
    count->free = frames.free;
    count->used = frames.total - frames.free;
    count->reserved = frames.limit - frames.total;
    spin_unlock_restore(&frames.lock, flags);
}

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

/* Marks the frames on the list of free runs, and finds those that are on it twice or are not free. */
static void mark_listed(unsigned *violations, char *details, size_t capacity)
{
    for (uint64_t first = frames.first_run; first; first = run_at(first)->next) {
        uint64_t count = 1;
        for (uint64_t i = 0; i < count; i++) {
            if (first + i >= frames.limit || frames.table[first + i] != FRAME_FREE) {
                disagree(violations, details, capacity, "frame 0x%lx is on the list of free runs twice, or is not free",
                         first + i);
                return;
            }
            frames.table[first + i] = FRAME_LISTED;
            count = run_at(first)->count; /* only now known to be a free frame's content */
        }
    }
}

unsigned frames_check(char *details, size_t capacity)
{
    unsigned violations = 0;
    uint64_t by_state[FRAME_LISTED + 1] = {0};

    mark_listed(&violations, details, capacity);
    for (uint64_t frame = 0; frame < frames.limit; frame++) {
        if (frames.table[frame] > FRAME_LISTED) {
            disagree(&violations, details, capacity, "frame 0x%lx has the unknown state %u", frame,
                     frames.table[frame]);
            continue;
        }
        by_state[frames.table[frame]]++;
        if (frames.table[frame] == FRAME_FREE)
            disagree(&violations, details, capacity, "frame 0x%lx is free, but on no list", frame);
        if (frames.table[frame] == FRAME_LISTED)
            frames.table[frame] = FRAME_FREE;
    }
    uint64_t free = by_state[FRAME_FREE] + by_state[FRAME_LISTED], used = by_state[FRAME_USED] + by_state[FRAME_TABLE];
    if (free != frames.free)
        disagree(&violations, details, capacity, "%lu frames are free, but %lu are counted", free, frames.free);
    if (used != frames.total - frames.free)
        disagree(&violations, details, capacity, "%lu frames are used, but %lu are counted", used,
                 frames.total - frames.free);
    return violations;
}
