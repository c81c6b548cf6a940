/*
 * probe.h - looking at an address that may be no address at all.
 *
 * The instruction that looks is listed in the section .moult.probes, with the place where execution goes on if it
 * faults. Whoever handles exceptions asks arch_probe_faulted() before it takes the fault for the kernel's own. To look
 * thus costs nothing when all is well.
 */
#ifndef ARCH_PROBE_H
#define ARCH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame;

/* Does the word hold `value`? No if it cannot be read, whatever `word` is: NULL, unmapped, not canonical. */
static inline __attribute__((always_inline)) bool arch_probe_equals(void *const *word, const void *value)
{
    __asm__ goto("1: cmpq %1, %0\n\t"
                 "jne %l[other]\n\t"
                 ".pushsection .moult.probes, \"a\"\n\t"
                 ".quad 1b, %l[other]\n\t"
                 ".popsection"
                 :
                 : "m"(*word), "r"(value)
                 : "cc"
                 : other);
    return true;
other:
    return false;
}

/* Was it such a look that faulted? Then the frame returns to where it said no. */
bool arch_probe_faulted(struct trap_frame *frame);

#endif
