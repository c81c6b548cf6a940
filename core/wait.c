/*
 * wait.c - semaphores, mutexes, wait queues, sleep: all that a thread can wait for.
 *
 * A waiter is linked under the lock of what it waits for, and blocked under its CPU's queue lock before that lock is
 * released: a wake-up cannot fall between. Whoever takes it out of the list has granted what it waited for; a waiter
 * that finds itself still linked was woken by its deadline or by thread_kill() and takes itself out.
 */
#include "core/schedule_private.h"
#include "core/time.h"
#include <moult/errors.h>
#include <moult/module.h>

#define TAKEN ((struct wait_list *)1) /* thread->waits_on: out of the list, the wake-up under way on some CPU */

/*
 * After a wait in a list: 0 if the thread was granted what it waited for, or why it was woken while still in the list,
 * which it then leaves. It may have been woken for both reasons at once: then it stays here until the other wake-up is
 * over, which would else reach a later wait.
 */
static int leave_list(struct thread *self)
{
    struct wait_list *list;
    while ((list = __atomic_load_n(&self->waits_on, __ATOMIC_ACQUIRE))) {
        if (list == TAKEN) {
            arch_relax();
            continue;
        }
        spin_lock(&list->lock);
        if (self->waits_on == list) {
            ring_remove(&list->first, &self->wait_link);
            self->waits_on = NULL;
            spin_unlock(&list->lock);
            return self->wait_result;
        }
        spin_unlock(&list->lock);
    }
    return 0;
}

/* Puts the running thread at the end of a list whose lock is held. */
static inline void join_list(struct thread *self, struct wait_list *list)
{
    ring_append(&list->first, &self->wait_link);
    self->waits_on = list;
}

/*
 * Waits in `list` (NULL: in none) until taken out of it, `deadline`, or an end if `interruptible`. Context:
 * interrupts off, the list's lock held; returns with it released. 0: taken out; -ETIMEDOUT; -EINTR.
 */
static int wait_in(struct wait_list *list, uint64_t deadline, bool interruptible)
{
    struct thread *self = current_thread();
    struct cpu *cpu = this_cpu();
    bool killed;
    if (list)
        join_list(self, list);
    self->interruptible = interruptible;
    if (deadline != NO_DEADLINE)
        timer_add(self, deadline);
    spin_lock(&cpu->queue_lock);
    killed = interruptible && self->killed;
    if (killed) {
        self->wait_result = -EINTR;
        spin_unlock(&cpu->queue_lock);
    } else {
        self->state = THREAD_BLOCKED;
    }
    if (list)
        spin_unlock(&list->lock);
    if (!killed)
        schedule_block(SCHED_BLOCK);
    self->interruptible = true;
    if (deadline != NO_DEADLINE)
        timer_cancel(self);
    return list ? leave_list(self) : self->wait_result;
}

/* Takes the first waiter out of a list whose lock is held; NULL: none. It is to be given to wake_taken(). */
static inline struct thread *take_first(struct wait_list *list)
{
    struct ring *link = ring_take(&list->first);
    if (!link)
        return NULL;
    __atomic_store_n(&thread_waiting(link)->waits_on, TAKEN, __ATOMIC_RELEASE);
    return thread_waiting(link);
}

/* Wakes one that was taken out. Touches nothing afterwards that the woken thread may give away. */
static inline void wake_taken(struct thread *thread)
{
    wake_granted(thread);
    __atomic_store_n(&thread->waits_on, NULL, __ATOMIC_RELEASE);
}

/* After wake-ups from a thread: the one woken may be the one to run now. */
static inline void finish(unsigned long flags)
{
    if (flags & ARCH_FLAGS_INTERRUPTS) {
        if (this_cpu()->reschedule)
            schedule_if_asked();
        arch_interrupts_enable();
    }
}

void semaphore_init(struct semaphore *semaphore, uint32_t count)
{
    *semaphore = (struct semaphore)SEMAPHORE_INITIALISER(count);
}
EXPORT_SYMBOL(semaphore_init);

/*
 * Waits until taken out of the list, without a deadline: wait_in(), the short way. The semaphore's lock is held;
 * returns with it released.
 */
ALWAYS_INLINE int wait_for_grant(struct semaphore *semaphore)
{
    struct cpu *cpu = this_cpu();
    struct thread *self = cpu->current;
    spin_lock(&cpu->queue_lock);
    if (__builtin_expect(self->killed, 0)) {
        spin_unlock(&cpu->queue_lock);
        spin_unlock(&semaphore->waiters.lock);
        return -EINTR;
    }
    join_list(self, &semaphore->waiters);
    self->state = THREAD_BLOCKED;
    spin_unlock(&semaphore->waiters.lock);
    block_and_switch(cpu, self);
    return __builtin_expect(self->waits_on != NULL, 0) ? leave_list(self) : 0;
}

static int down(struct semaphore *semaphore, uint64_t deadline, bool interruptible)
{
    int result = 0;
    arch_interrupts_disable();
    spin_lock(&semaphore->waiters.lock);
    if (semaphore->count > 0) {
        semaphore->count--;
        spin_unlock(&semaphore->waiters.lock);
    } else {
        result = wait_in(&semaphore->waiters, deadline, interruptible);
    }
    arch_interrupts_enable();
    return result;
}

int semaphore_down(struct semaphore *semaphore)
{
    int result = 0;
    arch_interrupts_disable();
    spin_lock(&semaphore->waiters.lock);
    if (semaphore->count > 0) {
        semaphore->count--;
        spin_unlock(&semaphore->waiters.lock);
    } else {
        result = wait_for_grant(semaphore);
    }
    arch_interrupts_enable();
    return result;
}
EXPORT_SYMBOL(semaphore_down);

void semaphore_down_uninterrupted(struct semaphore *semaphore)
{
    down(semaphore, NO_DEADLINE, false);
}
EXPORT_SYMBOL(semaphore_down_uninterrupted);

int semaphore_down_for(struct semaphore *semaphore, uint64_t nanoseconds)
{
    return down(semaphore, time_deadline(nanoseconds), true);
}
EXPORT_SYMBOL(semaphore_down_for);

bool semaphore_try(struct semaphore *semaphore)
{
    unsigned long flags = spin_lock_save(&semaphore->waiters.lock);
    bool taken = semaphore->count > 0;
    if (taken)
        semaphore->count--;
    spin_unlock_restore(&semaphore->waiters.lock, flags);
    return taken;
}
EXPORT_SYMBOL(semaphore_try);

void semaphore_up(struct semaphore *semaphore)
{
    unsigned long flags = spin_lock_save(&semaphore->waiters.lock);
    struct thread *first = take_first(&semaphore->waiters);
    if (!first)
        semaphore->count++;
    spin_unlock(&semaphore->waiters.lock);
    if (first)
        wake_taken(first);
    finish(flags);
}
EXPORT_SYMBOL(semaphore_up);

void mutex_init(struct mutex *mutex)
{
    *mutex = (struct mutex)MUTEX_INITIALISER;
}
EXPORT_SYMBOL(mutex_init);

void mutex_lock(struct mutex *mutex)
{
    ASSERT(mutex->holder != current_thread());
    down(&mutex->free, NO_DEADLINE, false);
    mutex->holder = current_thread();
}
EXPORT_SYMBOL(mutex_lock);

void mutex_unlock(struct mutex *mutex)
{
    ASSERT(mutex->holder == current_thread());
    mutex->holder = NULL;
    semaphore_up(&mutex->free);
}
EXPORT_SYMBOL(mutex_unlock);

void wait_queue_init(struct wait_queue *queue)
{
    *queue = (struct wait_queue)WAIT_QUEUE_INITIALISER;
}
EXPORT_SYMBOL(wait_queue_init);

int wait_queue_wait(struct wait_queue *queue, bool (*condition)(void *), void *argument, uint64_t nanoseconds)
{
    uint64_t deadline = nanoseconds ? time_deadline(nanoseconds) : NO_DEADLINE;
    int result = 0;
    for (;;) {
        bool met;
        arch_interrupts_disable();
        spin_lock(&queue->waiters.lock);
        met = condition(argument);
        if (met || result != 0) {
            spin_unlock(&queue->waiters.lock);
            arch_interrupts_enable();
            return met ? 0 : result;
        }
        result = wait_in(&queue->waiters, deadline, true);
        arch_interrupts_enable();
    }
}
EXPORT_SYMBOL(wait_queue_wait);

void wait_queue_wake(struct wait_queue *queue)
{
    unsigned long flags = arch_interrupts_save();
    struct thread *first;
    spin_lock(&queue->waiters.lock);
    while ((first = take_first(&queue->waiters)))
        wake_taken(first);
    spin_unlock(&queue->waiters.lock);
    finish(flags);
}
EXPORT_SYMBOL(wait_queue_wake);

int thread_sleep(uint64_t nanoseconds)
{
    int result;
    arch_interrupts_disable();
    result = wait_in(NULL, time_deadline(nanoseconds), true);
    arch_interrupts_enable();
    return result == -EINTR ? result : 0;
}
EXPORT_SYMBOL(thread_sleep);
