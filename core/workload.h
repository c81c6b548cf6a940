/*
 * workload.h - threads that do nothing but load the machine, in ways that a scheduler's mistake would show.
 */
#ifndef CORE_WORKLOAD_H
#define CORE_WORKLOAD_H

#include <moult/errors.h>
#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_COUNT_MAX 1000000

/* What is to be started. Zero means the default, but for `kind` and `count`. */
struct workload_options {
    const char *kind; /* see workload_name() */
    uint32_t count;   /* of threads, for `pingpong` of pairs: 1 … WORKLOAD_COUNT_MAX */
    const char *name; /* of the threads */
    uint32_t weight, priority;
    uint64_t affinity;
    uint64_t period; /* of sleepers, in nanoseconds */
};

struct workload_result {
    uint32_t first, last; /* the lowest and the highest number of the threads that were made */
    uint32_t count;       /* of threads */
};

/*
 * Starts threads, all or none: when one cannot be made, those that were are ended again. -ENOENT no such kind, which
 * `why` names; -ENOMEM, -ENOSPC, -EINVAL, -ERANGE as thread_create(). Thread context; may block.
 */
int workload_start(const struct workload_options *options, struct workload_result *result, struct failure *why);

/*
 * Ends all workload threads, however they were made, and waits until they are gone. Returns how many. -ENOMEM;
 * -ETIMEDOUT.
 */
int workload_end_all(void);

/* The kinds by index, NULL: no more. */
const char *workload_name(unsigned index);

/*
 * For `check`, all CPUs held: what the threads themselves found wrong so far, and pairs that wait for each other for
 * ever. Describes the first in `details`.
 */
unsigned workload_check(char *details, size_t capacity);

#endif
