/*
 * slot_call.h - how the core calls the functions of a slot: a direct call whose place is listed, so that a swap can
 * patch it.
 *
 * Being replaceable costs a call nothing. Where the occupant leaves an optional function out, the call is a
 * no-operation, and a result then is what SLOT_CALL's `otherwise` says.
 */
#ifndef CORE_SLOT_CALL_H
#define CORE_SLOT_CALL_H

#include <stddef.h>
#include <stdint.h>

/* The kinds of slot, as they are noted at each call site. */
enum slot_kind {
    SLOT_KIND_SCHED,
    SLOT_KIND_COUNT,
};

/* One call site; the linker gathers them in .moult.slot_sites. */
struct slot_site {
    uint64_t address;  /* of the call instruction */
    uint32_t function; /* offset of the function in the ops table */
    uint32_t kind;     /* enum slot_kind */
};

extern const struct slot_site slot_sites_start[], slot_sites_end[];

/* What a call site of a slot without an occupant leads to: panics, since the core called a slot that it had closed. */
void slot_closed(void);

#define SLOT_SITE                             \
    "1: call slot_closed\n"                   \
    ".pushsection .moult.slot_sites, \"a\"\n" \
    ".quad 1b\n"                              \
    ".long %c[function], %c[kind]\n"          \
    ".popsection"
/* What a C function may change besides its arguments and result: psABI x86-64, 3.2.1. */
#define SLOT_CLOBBERS "r8", "r9", "r10", "r11", "memory", "cc"
#define SLOT_TARGET(slot_kind, ops, member) [function] "i"(offsetof(struct ops, member)), [kind] "i"(slot_kind)

/* Calls with two and with three arguments of pointer or register size, which return nothing, or a value of 64 bits. */
#define SLOT_CALL2(kind, ops, member, a, b)                     \
    do {                                                        \
        uintptr_t a_ = (uintptr_t)(a), b_ = (uintptr_t)(b);     \
        __asm__ volatile(SLOT_SITE                              \
                         : "+D"(a_), "+S"(b_)                   \
                         : SLOT_TARGET(kind, ops, member)       \
                         : "rax", "rcx", "rdx", SLOT_CLOBBERS); \
    } while (0)
#define SLOT_CALL3(kind, ops, member, a, b, c)                                   \
    do {                                                                         \
        uintptr_t a_ = (uintptr_t)(a), b_ = (uintptr_t)(b), c_ = (uintptr_t)(c); \
        __asm__ volatile(SLOT_SITE                                               \
                         : "+D"(a_), "+S"(b_), "+d"(c_)                          \
                         : SLOT_TARGET(kind, ops, member)                        \
                         : "rax", "rcx", SLOT_CLOBBERS);                         \
    } while (0)
#define SLOT_RESULT2(kind, ops, member, a, b)                        \
    ({                                                               \
        uintptr_t result_, a_ = (uintptr_t)(a), b_ = (uintptr_t)(b); \
        __asm__ volatile(SLOT_SITE                                   \
                         : "=a"(result_), "+D"(a_), "+S"(b_)         \
                         : SLOT_TARGET(kind, ops, member)            \
                         : "rcx", "rdx", SLOT_CLOBBERS);             \
        result_;                                                     \
    })
#define SLOT_RESULT3(kind, ops, member, a, b, c, otherwise)                                             \
    ({                                                                                                  \
        uintptr_t result_ = (otherwise), a_ = (uintptr_t)(a), b_ = (uintptr_t)(b), c_ = (uintptr_t)(c); \
        __asm__ volatile(SLOT_SITE                                                                      \
                         : "+a"(result_), "+D"(a_), "+S"(b_), "+d"(c_)                                  \
                         : SLOT_TARGET(kind, ops, member)                                               \
                         : "rcx", SLOT_CLOBBERS);                                                       \
        result_;                                                                                        \
    })

#endif
