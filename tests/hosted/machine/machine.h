/*
 * machine.h - a machine for hosted tests of what manages memory: physical memory, and page tables that really map.
 *
 * Memory is a file that is mapped twice, as on the machine: whole in the direct map, and page by page where arch_map()
 * says. What the page tables allow, the host enforces. Besides, it holds the rules that the host cannot see: no frame
 * is ever writable and executable, not even through a translation that a CPU might still have; no frame is freed that
 * one might still reach.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <arch/memory.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_FRAMES_MAX 65536

extern struct machine {
    size_t frames;
    unsigned flushes; /* of all CPUs, so far */
    size_t mapped;    /* pages mapped outside the direct map */
    unsigned
        splits_that_work;    /* the direct map has memory to change so many more frames the first time; UINT_MAX: all */
    unsigned maps_that_work; /* arch_map() has memory for so many more pages */
} machine;

/* Starts with `frames` frames of memory, all zero, nothing mapped but the direct map. */
void machine_start(size_t frames);
void machine_stop(void);

/* No frame counts as changed in the direct map before. */
void machine_forget_splits(void);

/* What the direct map allows of a frame. */
unsigned machine_alias(physical_address frame);

/* Whether some CPU might still reach a frame: it was unmapped since the last flush. */
bool machine_reachable(physical_address frame);

#endif
