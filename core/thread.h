/*
 * thread.h - the core's table of threads: every fact about every thread.
 */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include "core/cpu.h"
#include "core/panic.h"
#include <arch/memory.h>
#include <moult/sched.h>
#include <moult/thread.h>
#include <moult/tree.h>

#define THREADS_MAX (THREAD_TABLE_SIZE / THREAD_BYTES)
#define THREAD_STACK_PAGES 2

enum thread_state {
    THREAD_FREE,    /* the table's entry is nobody's */
    THREAD_READY,   /* wants to run; runs if it is its CPU's `current` */
    THREAD_BLOCKED, /* waits */
    THREAD_WAKING,  /* between two CPUs: a waker has it and is about to enqueue it; try again */
    THREAD_ENDED,   /* waits to be joined */
};

struct policy;

/*
 * One thread. Under the queue lock of CPU facts.cpu: facts, state, queued_on, entity, home, suspended, killed,
 * runtime. Under the lock of what it waits for: wait_link. Under the thread table's lock: number, table links,
 * detached, joiner. The first members are at fixed offsets for arch/x86/switch.asm.
 */
struct thread {
    struct sched_facts facts;    /* first: sched_facts() relies on it */
    uintptr_t stack_pointer;     /* while it does not run: its saved registers are there */
    uint64_t switches;           /* times it was switched to */
    struct cpu *queued_on;       /* the CPU in whose scheduler's queue it is; NULL if in none */
    struct sched_entity *entity; /* the home's part of entities[]; fixed but for a hand-over */
    struct policy *home;         /* the scheduler that holds it; NULL: urgent, idle or ended */
    uint64_t runtime;            /* cycles charged */
    union {
        struct {
            uint8_t state;  /* enum thread_state */
            bool urgent;    /* the core runs it before it asks any policy */
            bool displaced; /* in its CPU's list of those */
            bool suspended; /* held still: not enqueued though it may be ready */
        };
        uint32_t standing; /* all four at once: THREAD_BLOCKED means blocked, and nothing out of the ordinary */
    };
    bool idle;          /* a CPU's idle thread: in no queue, ever */
    bool killed;        /* asked to end */
    bool workload;      /* `bench` may suspend it */
    bool detached;      /* nobody joins it */
    bool joined;        /* somebody does */
    bool core;          /* the core's own: not to be killed */
    bool interruptible; /* thread_kill() ends its wait; false only in one that must not be cut short */
    uint32_t mutexes;   /* that it has, or waits for: it is not to be held still meanwhile */
    int wait_result;    /* why its wait ended: 0, -ETIMEDOUT, -EINTR */
    struct wait_list *
        waits_on; /* the list its wait_link is in, under that list's lock; NULL when it is out and woken: core/wait.c */
    struct ring wait_link; /* in what it waits for; an ended one's in what the reaper has to do */
    TAILQ_ENTRY(thread)
    urgent_link;            /* in its CPU's list of urgent or displaced threads, or the table's of free entries */
    uint64_t deadline;      /* clock at which its wait ends, while it is among a CPU's sleepers */
    struct tree_node timer; /* in its CPU's tree of sleepers: core/time.c */
    struct cpu *timer_cpu;  /* whose sleepers it is among, NULL: none; under that CPU's timer lock */
    void (*entry)(void *);
    void *argument;
    uint8_t *stack;           /* lowest address, THREAD_STACK_PAGES pages, kept with the entry for its next thread */
    void *fpu;                /* saved vector state, NULL if it did not ask for it */
    void *fpu_block;          /* the heap block that `fpu` is the aligned part of */
    struct module *module;    /* whose text it runs from the start, NULL: the kernel's */
    struct thread *hash_next; /* table: by number */
    struct thread *hand_next; /* hand-over: the next one in order, and whose queue it stood in: core/sched_slot.c */
    struct cpu *hand_cpu;
    struct semaphore ended;     /* up when it has ended and is off its stack */
    struct sched_record record; /* what schedulers have said of it so far */
    char name[THREAD_NAME_BYTES];
    uint8_t entities[2][SCHED_ENTITY_BYTES]
        __attribute__((aligned(64))); /* two, since two schedulers hold state in a hand-over */
} __attribute__((aligned(THREAD_BYTES)));

_Static_assert(sizeof(struct thread) == THREAD_BYTES, "entities find their thread by alignment");

/* The thread whose wait_link that is. */
static inline struct thread *thread_waiting(struct ring *link)
{
    return (struct thread *)((uint8_t *)link - offsetof(struct thread, wait_link));
}

/* Sets up the table and makes the running boot context CPU 0's idle thread. After heap_init(). */
void threads_init(void);

/* Starts the thread that forgets detached ones. Once threads can be created. */
void threads_start_reaper(void);

/* Makes the idle thread of another CPU, whose stack it is to start on. NULL: no memory. */
struct thread *thread_create_idle(struct cpu *cpu);

/* As thread_create(), for a thread of the core: urgent ones come before any policy's choice. */
int thread_create_core(const char *name, bool urgent, void (*entry)(void *), void *argument);

/*
 * Calls visit() for every thread that is not free, interrupts off and the table's lock held, in no stated order;
 * stops when it returns false.
 */
void threads_visit(bool (*visit)(struct thread *thread, void *argument), void *argument);

/* The same without the lock: in a rendezvous only. */
void threads_visit_held(bool (*visit)(struct thread *thread, void *argument), void *argument);

/* A snapshot of one thread for `ps`, and its states' names. */
struct thread_info {
    uint32_t number, cpu, weight, priority;
    uint64_t affinity, runtime, switches;
    char name[THREAD_NAME_BYTES];
    const char *state;     /* "running" "ready" "blocked" "sleeping" "ended" "idle", "frozen" */
    const char *cpu_class; /* "policy" "urgent" "idle": who decides when it runs */
};

/* Copies what `ps` shows of one thread; false: there is none of that number. */
bool thread_info_get(uint32_t number, struct thread_info *info);

/* Snapshots all threads, sorted by number, into a heap block that the caller frees; returns their count, or -ENOMEM. */
int threads_snapshot(struct thread_info **list);

/*
 * A thread that is in this CPU's queue, found without asking the policy; NULL: none. O(threads): only when a policy
 * has failed.
 */
struct thread *threads_find_queued(struct cpu *cpu);

/* How many threads are in the table, the core's included. */
uint32_t threads_count(void);

/*
 * Holds still all workload threads, and lets them go on: returns how many. While they are held, they neither run nor
 * count as waiting. For `bench`. Not nested.
 */
uint32_t threads_freeze(void);
void threads_thaw(void);

/*
 * The saved frame pointer and instruction pointer of a thread that does not run, for a backtrace: `visit` is given
 * each return address. -ESRCH; -EBUSY if it runs on another CPU just now (its registers are not saved).
 */
int thread_backtrace(uint32_t number, void (*visit)(uintptr_t address, void *argument), void *argument);

#define current_thread() arch_current_thread()

#endif
