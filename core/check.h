/*
 * check.h - verifies the core's invariants with all CPUs held.
 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include <stddef.h>
#include <stdint.h>

struct check_report {
    uint64_t threads; /* in the table */
    uint64_t frames;  /* of usable memory */
    unsigned violations;
    char details[512]; /* the first violations, "; " between them; "" if there is none */
};

/* Threads by state, run-queue membership, frames, heap, locks. O(n) with interrupts off. Thread context. */
void check_all(struct check_report *report);

#endif
