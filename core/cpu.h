/*
 * cpu.h - what the core keeps for each CPU: its run queue, its timers, its part in a rendezvous.
 */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include "core/lock.h"
#include <arch/cpu.h>
#include <arch/cpu_data.h>
#include <arch/guard.h>
#include <arch/patch.h>
#include <moult/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define CPU_MAX 64

struct thread;
struct sched_queue;

TAILQ_HEAD(thread_list, thread);

/* Reasons why a switch must take the long way: bits of cpu->attention. */
#define ATTENTION_URGENT (1u << 0)    /* urgent threads wait here, or one runs */
#define ATTENTION_FPU (1u << 1)       /* the vector registers hold the running thread's state */
#define ATTENTION_BALANCE (1u << 2)   /* the order holds across CPUs: look at the others before choosing */
#define ATTENTION_DISPLACED (1u << 3) /* `displaced` is not empty: the running thread may be in it, and in no queue */
#define ATTENTION_IDLE (1u << 4)      /* the idle thread runs, or is to go on when the urgent ones are done */

/*
 * One CPU. The members at stated offsets are read through GS by assembly and inline functions. Those of the run queue
 * are under `queue_lock`; `current` changes only under it, on this CPU.
 */
struct cpu {
    struct cpu *self;
    struct thread *current;       /* the running thread; the idle thread when there is none */
    uint32_t lock_owner;          /* index + 1: what spin locks are marked with */
    volatile uint32_t reschedule; /* choose again at the next opportunity */
    struct sched_queue *queue;    /* the occupant scheduler's queue */
    uint64_t charged_until;       /* the clock when the running thread was last charged */
    struct spinlock queue_lock;   /* protects the run queue, and the state of threads whose facts.cpu is this CPU */
    uint32_t attention;           /* ATTENTION_*: 0 on the short way */
    uint32_t runnable;            /* threads in the policy's queue, the running one included */
    uint32_t index;
    uint64_t load;            /* the sum of their weights */
    struct thread *preempted; /* what the policy believes to run while an urgent thread does; NULL: nothing */
    uintptr_t guard_stack;    /* where the last call of a policy would be abandoned to: arch/guard.h */
    uintptr_t guard_frame;
    struct thread_list urgent;    /* urgent threads that wait for this CPU, first come first served */
    struct thread_list displaced; /* ready, but may not run here: placed elsewhere once they are off it */
    struct thread *idle;
    volatile bool online;              /* takes part in scheduling */
    struct spinlock timer_lock;        /* protects `timers` and the timer links of the threads in it */
    struct tree timers;                /* sleepers by deadline: core/time.c */
    uint64_t next_tick;                /* clock at which the next tick is due; UINT64_MAX while idle */
    uint64_t ticks;                    /* so far */
    uint64_t interrupts;               /* served so far */
    uint64_t idle_cycles;              /* charged to the idle thread */
    volatile uint32_t rendezvous_seen; /* the rendezvous that this CPU has entered: core/rendezvous.c */
    uint32_t steps_left;               /* of a policy that is suspected to be stuck */
    volatile bool serving;             /* it is in a device's interrupt, or asks how to idle */
    uint32_t stalled;                  /* watchdog interrupts in a row that found it where it was: core/contain.c */
    uint64_t progress;                 /* of long work with interrupts off, and, at the last of them, all it had done */
    uint64_t progress_seen;
    uintptr_t held_at; /* there: its stack from here upwards is in use, registers included */
    struct arch_cpu arch;
} __attribute__((aligned(512)));

_Static_assert(offsetof(struct cpu, self) == ARCH_CPU_SELF, "read through GS");
_Static_assert(offsetof(struct cpu, current) == ARCH_CPU_CURRENT, "read through GS");
_Static_assert(offsetof(struct cpu, lock_owner) == 16, "read through GS by spin_lock()");
_Static_assert(offsetof(struct cpu, reschedule) == 20, "read by arch/x86/switch.asm");
_Static_assert(offsetof(struct cpu, queue_lock) == 40, "released by arch/x86/switch.asm");
_Static_assert(offsetof(struct cpu, attention) == 44, "compared as one with the lock: core/run_queue.h");

_Static_assert(offsetof(struct cpu, guard_stack) == ARCH_CPU_GUARD_STACK, "recorded through GS");
_Static_assert(offsetof(struct cpu, guard_frame) == ARCH_CPU_GUARD_FRAME, "recorded through GS");

_Static_assert(sizeof(struct cpu) == 512, "a power of two: indexing is a shift");

/* All CPUs by index; the first cpu_count are there, and those that are `online` schedule. */
extern struct cpu cpus[CPU_MAX];
extern unsigned cpu_count;

#define this_cpu() arch_this_cpu()

/* A place that is patched at boot if there are many CPUs; the linker gathers them in .moult.cpu_sites. */
struct cpu_site {
    uint64_t address, target;
};

/* cpu_count > 1, as one instruction that looks at nothing. */
static inline __attribute__((always_inline)) bool many_cpus(void)
{
    __asm__ goto("1: " ARCH_NO_OPERATION "\n"
                 ".pushsection .moult.cpu_sites, \"a\"\n"
                 ".quad 1b, %l[many]\n"
                 ".popsection" :: ::many);
    return false;
many:
    return true;
}

#endif
