/*
 * cpu.h - what the core keeps for each CPU: its run queue, its timers, its part in a rendezvous.
 */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include "core/lock.h"
#include <arch/cpu.h>
#include <arch/cpu_data.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define CPU_MAX 64

struct thread;
struct sched_queue;

TAILQ_HEAD(thread_list, thread);

/*
 * The first four members are read through GS by assembly and inline functions. Those of the run queue are under `queue_lock`,
 * `current` changes only under it.
 */
struct cpu {
    struct cpu *self;
    struct thread *current;      /* the running thread; the idle thread when there is none */
    uint32_t lock_owner;         /* index + 1: what spin locks are marked with */
    uint32_t preemption_off;     /* > 0: an interrupt does not switch threads on its return */
    struct sched_queue *queue;   /* the occupant scheduler's queue */
    uint64_t charged_until;      /* the clock when the running thread was last charged */
    struct spinlock queue_lock;  /* protects the run queue, and state changes of the threads whose facts.cpu is this CPU */
    uint32_t urgent_count;       /* threads in `urgent`, looked at before any policy is asked */
    volatile bool reschedule;    /* choose again at the next opportunity */
    volatile bool online;        /* takes part in scheduling */
    bool tick_armed;             /* a tick comes: threads compete, or one runs */
    uint32_t index;
    uint32_t runnable;           /* threads in the policy's queue, the running one included */
    uint64_t load;               /* the sum of their weights */
    struct thread_list urgent;   /* urgent threads that wait for this CPU, first come first served */
    struct thread *idle;
    struct spinlock timer_lock;  /* protects `timers` */
    struct timer_heap *timers;   /* sleepers by deadline: core/time.c */
    uint64_t next_tick;          /* when the next tick is due, if tick_armed */
    uint64_t interrupts;         /* served so far */
    uint64_t switches;           /* from one thread to another, so far */
    uint64_t idle_cycles;        /* charged to the idle thread */
    volatile uint32_t rendezvous_seen; /* the rendezvous that this CPU has entered: core/rendezvous.c */
    struct arch_cpu arch;
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct cpu, self) == ARCH_CPU_SELF, "read through GS");
_Static_assert(offsetof(struct cpu, current) == ARCH_CPU_CURRENT, "read through GS");
_Static_assert(offsetof(struct cpu, lock_owner) == 16, "read through GS by spin_lock()");

/* All CPUs by index; the first cpu_count are there, and those that are `online` schedule. */
extern struct cpu cpus[CPU_MAX];
extern unsigned cpu_count;

#define this_cpu() arch_this_cpu()

#endif
