/*
 * occupant.h - the slot `heap` in hosted tests: who occupies it, and who was reported.
 *
 * The core's part is the real one (core/heap*.c, core/spans.c); what the swapper does around it is done here, in the
 * same order. One process plays all CPUs, one at a time (machine_cpu_be()).
 */
#ifndef HEAP_OCCUPANT_H
#define HEAP_OCCUPANT_H

#include <moult/errors.h>
#include <moult/heap.h>
#include <stddef.h>

#define OCCUPANT_CPUS 4

/* The heaps that there are, the fallback first. */
#define HEAPS 4
extern const struct heap_under_test {
    const char *name;
    const struct heap_ops *ops;
} heaps[HEAPS];

/* Starts the machine with so many frames, and the heap on it with the fallback in its slot; and ends it. */
void heap_machine_start(size_t frames);
void heap_machine_stop(void);

/* Makes that heap the occupant. False: the slot's type refuses it, as `occupant_said` tells. */
bool occupy(const char *name, const struct heap_ops *ops);

/* Broken contracts reported since the last occupy(), and the sentence of the first one, or of a refusal. */
extern unsigned occupant_breaches;
extern char occupant_said[FAILURE_SENTENCE];

/* The core's facts hold, and the frames'. */
void assert_sound(void);

#endif
