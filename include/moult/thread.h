/*
 * thread.h - threads, time and waiting, for the core and for modules.
 *
 * Threads are named by their number. Context, unless a function says otherwise: a thread, interrupts on, no spin lock
 * held.
 */
#ifndef MOULT_THREAD_H
#define MOULT_THREAD_H

#include <moult/ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread;

#define THREAD_NAME_BYTES 24 /* capacity, terminator included; a longer name is cut */

/* What a new thread is to be. Zero means the default for each. */
struct thread_options {
    const char *name;
    uint32_t weight;   /* WEIGHT_MIN … WEIGHT_MAX */
    uint32_t priority; /* PRIORITY_MIN … PRIORITY_MAX */
    uint64_t affinity; /* bit n: it may run on CPU n; at least one that is online */
    bool fpu;          /* keep floating-point and vector registers for it */
    bool workload;     /* `bench` may hold it still */
};

/*
 * Makes a thread that runs entry(argument) and ends when it returns. Its number must be given to thread_join() or
 * thread_detach() once. Returns the number (> 0); -ENOMEM; -EINVAL or -ERANGE for bad options.
 */
int thread_create(const struct thread_options *options, void (*entry)(void *argument), void *argument);

/*
 * Waits until a thread has ended and forgets it. -ESRCH: no such thread, or someone else joins it; -EINTR: the caller
 * is to end.
 */
int thread_join(uint32_t number);

/* Nobody will join it: it is forgotten when it ends. -ESRCH. */
int thread_detach(uint32_t number);

/* Ends the running thread. */
_Noreturn void thread_exit(void);

/* Lets others run first. Also with preemption off in the caller's hands: never. */
void thread_yield(void);

/* Waits for `nanoseconds` or longer. -EINTR when the thread is to end. */
int thread_sleep(uint64_t nanoseconds);

/*
 * Asks a thread to end. Waits of it that can be interrupted return -EINTR, and thread_killed() turns true; a thread
 * of the kernel ends at the next such point, since nobody else knows what it holds. -ESRCH, -EPERM for the core's own
 * threads.
 */
int thread_kill(uint32_t number);

/* Has the running thread been asked to end? A loop that does not wait asks this. */
bool thread_killed(void);

/* The running thread's number. */
uint32_t thread_number(void);

/*
 * Changes a parameter of a live thread; a range error leaves it alone. -ESRCH, -ERANGE; affinity without an online
 * CPU: -EINVAL.
 */
int thread_set_weight(uint32_t number, uint64_t weight);
int thread_set_priority(uint32_t number, uint64_t priority);
int thread_set_affinity(uint32_t number, uint64_t affinity);

/* The clock: cycles since an unspecified start, and nanoseconds since boot. Any context. */
uint64_t clock_cycles(void);
uint64_t clock_nanoseconds(void);

/* A lock word: the owner's CPU index + 1, or 0. Taken only by the core. */
struct spinlock {
    volatile uint32_t owner;
};

/* Threads that wait for one thing, in the order in which they came. */
struct wait_list {
    struct ring waiters; /* its ends */
    struct spinlock lock;
};
#define WAIT_LIST_INITIALISER(name)                     \
    {                                                   \
        .waiters = { &(name).waiters, &(name).waiters } \
    }

/* A counting semaphore. First come, first served. */
struct semaphore {
    struct wait_list list;
    uint32_t count; /* under the list's lock; 0 while anyone waits */
};
#define SEMAPHORE_INITIALISER(name, initial)                           \
    {                                                                  \
        .list = WAIT_LIST_INITIALISER((name).list), .count = (initial) \
    }
void semaphore_init(struct semaphore *semaphore, uint32_t count);
/* Takes one, waiting if there is none. -EINTR: nothing taken, the thread is to end. */
int semaphore_down(struct semaphore *semaphore);
/* The same, for a wait that must not be cut short. */
void semaphore_down_uninterrupted(struct semaphore *semaphore);
/* As semaphore_down(), giving up after `nanoseconds`: -ETIMEDOUT. */
int semaphore_down_for(struct semaphore *semaphore, uint64_t nanoseconds);
/* Takes one if there is one. Any context. */
bool semaphore_try(struct semaphore *semaphore);
/* Gives one, waking the thread that waits longest. Any context, interrupts off included. */
void semaphore_up(struct semaphore *semaphore);

/* A lock that is waited for by sleeping. Not recursive; only its holder releases it. Cannot be interrupted. */
struct mutex {
    struct thread *holder;
    struct semaphore free;
};
#define MUTEX_INITIALISER(name)                                       \
    {                                                                 \
        .holder = NULL, .free = SEMAPHORE_INITIALISER((name).free, 1) \
    }
void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* A place to wait for a condition that the caller checks. */
struct wait_queue {
    struct wait_list list;
};
#define WAIT_QUEUE_INITIALISER(name)               \
    {                                              \
        .list = WAIT_LIST_INITIALISER((name).list) \
    }
void wait_queue_init(struct wait_queue *queue);
/*
 * Waits until condition(argument) is true, which is looked at under the queue's lock, interrupts off: a wake-up after
 * the condition was made true cannot be lost. `nanoseconds` 0: no limit. 0; -ETIMEDOUT; -EINTR when the thread is to
 * end.
 */
int wait_queue_wait(struct wait_queue *queue, bool (*condition)(void *argument), void *argument, uint64_t nanoseconds);
/* Wakes all that wait, so that they look at their condition again. Any context. */
void wait_queue_wake(struct wait_queue *queue);

/* Memory in bytes, as heap_alloc() and heap_free() of the core. */
void *heap_alloc(size_t bytes);
void heap_free(void *block);

/* One line for the kernel's log. Any context. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

#endif
