/*
 * slice.h - a slice counted in timer ticks, for schedulers that count it so, to and from a record's cycles.
 */
#ifndef MOULT_SLICE_H
#define MOULT_SLICE_H

#include <moult/sched.h>

/* The ticks left that `record` tells of, rounded up, within 1 … `quantum`; a whole quantum if it tells of none. */
static inline uint32_t slice_load(const struct sched_record *record, uint32_t quantum)
{
    if (!(record->fields & SCHED_HAS_SLICE) || record->slice >= quantum * sched_tick_cycles)
        return quantum;
    return record->slice ? (record->slice + sched_tick_cycles - 1) / sched_tick_cycles : 1;
}

/* Writes that `ticks` are left of the slice. */
static inline void slice_save(struct sched_record *record, uint32_t ticks)
{
    record->slice = ticks * sched_tick_cycles;
    record->fields |= SCHED_HAS_SLICE;
}

#endif
