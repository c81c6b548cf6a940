/*
 * bench.h - measuring paths of the kernel in cycles of the clock, which are instructions under an instruction clock.
 *
 * A path takes samples; one sample is what one operation costs in one batch: the loop around it included, the cost of
 * reading the clock twice taken off. While a path is measured, workload threads are held still and the monitor waits.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <moult/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_BATCHES 20
#define BENCH_CPU 0 /* where what is measured runs */

struct bench {
    unsigned threads;    /* for the paths that take a number of them */
    uint64_t clock_pair; /* what two readings of the clock cost */
    uint64_t samples[BENCH_BATCHES];
    unsigned count; /* of samples so far */
    uint64_t plain; /* slot-call: the least that a plain call costs; insmod: relocations; verify: a KiB's digest */
};

/* One path that can be measured. run() fills the samples, or fails with a sentence. Thread context. */
struct bench_path {
    const char *name;
    const char *summary;
    unsigned threads;       /* the default number of threads; 0: it takes none */
    unsigned cpus;          /* how many CPUs it needs */
    const char *plain_name; /* the key under which `plain` is shown, NULL: it is not */
    int (*run)(struct bench *bench, struct failure *why);
};

/* All paths, in the order in which they are run; `count` of them. bench/command.c */
extern const struct bench_path *const bench_paths[];
extern const size_t bench_path_count;

extern const struct bench_path bench_yield, bench_block_wake, bench_preempt, bench_wake_remote;
extern const struct bench_path bench_slot_call, bench_create_join, bench_alloc_free, bench_insmod, bench_relocation,
    bench_verify, bench_swap;

/* Adds a sample: `cycles` for `operations` of them, rounded up. */
void bench_sample(struct bench *bench, uint64_t cycles, uint64_t operations);

/* Starts a thread for a measurement, on one CPU. Returns its number or an error, with a sentence. */
int bench_thread(const char *name, unsigned cpu, void (*entry)(void *), void *argument, struct failure *why);

#endif
