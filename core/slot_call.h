/*
 * slot_call.h - how the core calls the functions of a slot: a direct call whose place is listed, so that a swap can
 * patch it.
 *
 * Being replaceable costs a call nothing. Where the occupant leaves an optional function out, the call is a
 * no-operation, and a result then is what SLOT_CALL's `otherwise` says. Where the arguments too are to cost nothing
 * then, slot_has() stands before the call: a place that is patched to a jump over what follows.
 */
#ifndef CORE_SLOT_CALL_H
#define CORE_SLOT_CALL_H

#include <arch/guard.h>
#include <arch/patch.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kinds of slot, as they are noted at each call site. */
enum slot_kind {
    SLOT_KIND_SCHED,
    SLOT_KIND_FRAMES,
    SLOT_KIND_HEAP,
    SLOT_KIND_IRQROUTE,
    SLOT_KIND_IRQ_KEYBOARD,
    SLOT_KIND_IRQ_SERIAL_2,
    SLOT_KIND_IRQ_SERIAL,
    SLOT_KIND_IRQ_TIMER,
    SLOT_KIND_IRQ_SOFTWARE,
    SLOT_KIND_IDLE,
    SLOT_KIND_CONSOLE,
    SLOT_KIND_LOG,
    SLOT_KIND_MONITOR,
    SLOT_KIND_COUNT,
};

/* One call site, or a place before one; the linker gathers them in .moult.slot_sites. */
struct slot_site {
    uint64_t address;  /* of the instruction */
    uint64_t absent;   /* where it jumps if the occupant leaves the function out; 0: it is the call itself */
    uint32_t function; /* offset of the function in the ops table */
    uint16_t kind;     /* enum slot_kind */
    uint16_t here;     /* SLOT_IN_RELINQUISH, or 0 */
};

#define SLOT_IN_RELINQUISH 1 /* among the functions that reserve registers */

extern const struct slot_site slot_sites_start[], slot_sites_end[];

/*
 * What a call site of a slot without an occupant leads to: panics, since the core called a slot that it had closed.
 * Before slots_init() it returns 0, as a call that is abandoned: the core has to do without the policy.
 */
uintptr_t slot_closed(void);

#define SLOT_SITE_LISTED(absent)                      \
    ".pushsection .moult.slot_sites, \"a\"\n"         \
    ".quad 1b, " absent "\n"                          \
    ".long %c[function]\n.short %c[kind], %c[here]\n" \
    ".popsection"
/*
 * A call that has to be abandoned goes on after the call instruction, with 0 as its result (arch/guard.h): the stack
 * and frame pointer are recorded before it, and no other register is relied on after it. A file that reserves
 * registers (core/relinquish.c) says SLOT_RESERVED: those are restored, its callers want no others kept, and it records
 * once, in slot_record().
 */
#ifdef SLOT_RESERVED
#define SLOT_RECORD ""
#define SLOT_LOST
#define SLOT_HERE SLOT_IN_RELINQUISH
#else
#define SLOT_RECORD ARCH_GUARD_RECORD
#define SLOT_LOST "rbx", "r12", "r13", "r14", "r15",
#define SLOT_HERE 0
#endif
#define SLOT_SITE SLOT_RECORD "1: call slot_closed\n" SLOT_SITE_LISTED("0")
/*
 * What a C function may change besides its arguments and result (psABI x86-64, 3.2.1), and what an abandoned one may.
 */
#define SLOT_CLOBBERS "r8", "r9", "r10", "r11", SLOT_LOST "memory", "cc"
#define SLOT_TARGET(slot_kind, ops, member) \
    [function] "i"(offsetof(struct ops, member)), [kind] "i"(slot_kind), [here] "i"(SLOT_HERE)

/* Records the stack for the calls that follow in this function, which has no stack frame. */
static inline __attribute__((always_inline)) void slot_record(void)
{
    __asm__ volatile("mov %%rsp, %%gs:%c0\n\tmov %%rbp, %%gs:%c1" ::"i"(ARCH_CPU_GUARD_STACK), "i"(ARCH_CPU_GUARD_FRAME)
                     : "memory");
}

/* Has the occupant this function? One instruction, whatever the answer; of a closed slot it is yes. */
static inline __attribute__((always_inline)) bool slot_has(enum slot_kind slot_kind, size_t member)
{
    __asm__ goto("1: " ARCH_NO_OPERATION "\n" SLOT_SITE_LISTED("%l[absent]")
                 :
                 : [function] "i"(member), [kind] "i"(slot_kind), [here] "i"(SLOT_HERE)
                 :
                 : absent);
    return true;
absent:
    return false;
}

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

#define SLOT_RESULT4(kind, ops, member, a, b, c, d)                                                            \
    ({                                                                                                         \
        uintptr_t result_, a_ = (uintptr_t)(a), b_ = (uintptr_t)(b), c_ = (uintptr_t)(c), d_ = (uintptr_t)(d); \
        __asm__ volatile(SLOT_SITE                                                                             \
                         : "=a"(result_), "+D"(a_), "+S"(b_), "+d"(c_), "+c"(d_)                               \
                         : SLOT_TARGET(kind, ops, member)                                                      \
                         : SLOT_CLOBBERS);                                                                     \
        result_;                                                                                               \
    })

/*
 * The call that was recorded is over, and what happens next is none of a policy's. For a slot that is called where a
 * module's thread may go on right after it: what that does is not to be taken for the policy's.
 */
static inline void slot_returned(void)
{
    __asm__ volatile("movq $0, %%gs:%c0" ::"i"(ARCH_CPU_GUARD_STACK) : "memory");
}

#endif
