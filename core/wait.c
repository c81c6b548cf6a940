/*
 * wait.c - semaphores, mutexes, wait queues, sleep: all that a thread can wait for.
 *
 * A waiter is linked under the lock of what it waits for, and blocked under its CPU's queue lock before that lock is
 * released: a wake-up cannot fall between. Whoever takes it out of the list has granted what it waited for; a waiter
 * that finds itself still linked was woken by its deadline or by thread_kill() and takes itself out.
 */
#include "core/wait.h"
#include "core/schedule_private.h"
#include "core/time.h"
#include <arch/switch.h>
#include <moult/errors.h>
#include <moult/module.h>

#define TAKEN ((struct wait_list *)1) /* thread->waits_on: out of the list, the wake-up under way on some CPU */
#define LEFT ((struct wait_list *)2)  /* out of it again: wait_result tells why */

int wait_leave(void)
{
    struct thread *self = current_thread();
    struct wait_list *list;
    while ((list = __atomic_load_n(&self->waits_on, __ATOMIC_ACQUIRE))) {
        if (list == TAKEN) {
            arch_relax();
            continue;
        }
        if (list == LEFT) {
            self->waits_on = NULL;
            return self->wait_result;
        }
        spin_lock(&list->lock);
        if (self->waits_on == list) {
            ring_unlink(&self->wait_link);
            self->waits_on = NULL;
            spin_unlock(&list->lock);
            return self->wait_result;
        }
        spin_unlock(&list->lock);
    }
    return 0;
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
        ring_insert(&list->waiters, &self->wait_link);
    self->waits_on = list;
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
    return list ? wait_leave() : self->wait_result;
}

/* Takes the first waiter out of a list whose lock is held; NULL: none. It is to be given to wake_taken(). */
static struct thread *take_first(struct wait_list *list)
{
    struct ring *link = ring_take(&list->waiters);
    if (!link)
        return NULL;
    __atomic_store_n(&thread_waiting(link)->waits_on, TAKEN, __ATOMIC_RELEASE);
    return thread_waiting(link);
}

/* Wakes one that was taken out. Touches nothing afterwards that the woken thread may give away. */
static void wake_taken(struct thread *thread)
{
    thread_wake(thread, 0, SCHED_WAKE);
    __atomic_store_n(&thread->waits_on, NULL, __ATOMIC_RELEASE);
}

void semaphore_init(struct semaphore *semaphore, uint32_t count)
{
    *semaphore = (struct semaphore)SEMAPHORE_INITIALISER(*semaphore, count);
}
EXPORT_SYMBOL(semaphore_init);

/* Context: interrupts off. */
static int down(struct semaphore *semaphore, uint64_t deadline, bool interruptible)
{
    spin_lock(&semaphore->list.lock);
    if (semaphore->count == 0)
        return wait_in(&semaphore->list, deadline, interruptible);
    semaphore->count--;
    spin_unlock(&semaphore->list.lock);
    return 0;
}

void semaphore_down_slowly(struct semaphore *semaphore)
{
    int result = down(semaphore, NO_DEADLINE, true);
    if (result != 0) {
        current_thread()->wait_result = result;
        current_thread()->waits_on = LEFT;
    }
}

int semaphore_down(struct semaphore *semaphore)
{
    arch_need_frame();
    return wait_down(semaphore);
}
EXPORT_SYMBOL(semaphore_down);

static int down_slowly(struct semaphore *semaphore, uint64_t deadline, bool interruptible)
{
    int result;
    arch_interrupts_disable();
    result = down(semaphore, deadline, interruptible);
    arch_interrupts_enable();
    return result;
}

void semaphore_down_uninterrupted(struct semaphore *semaphore)
{
    down_slowly(semaphore, NO_DEADLINE, false);
}
EXPORT_SYMBOL(semaphore_down_uninterrupted);

int semaphore_down_for(struct semaphore *semaphore, uint64_t nanoseconds)
{
    return down_slowly(semaphore, time_deadline(nanoseconds), true);
}
EXPORT_SYMBOL(semaphore_down_for);

bool semaphore_try(struct semaphore *semaphore)
{
    unsigned long flags = spin_lock_save(&semaphore->list.lock);
    bool taken = semaphore->count > 0;
    if (taken)
        semaphore->count--;
    spin_unlock_restore(&semaphore->list.lock, flags);
    return taken;
}
EXPORT_SYMBOL(semaphore_try);

void semaphore_give_across_cpus(struct semaphore *semaphore)
{
    struct thread *first;
    spin_lock(&semaphore->list.lock);
    first = take_first(&semaphore->list);
    if (!first)
        semaphore->count++;
    spin_unlock(&semaphore->list.lock); /* before the wake-up: the woken thread may give the semaphore away */
    if (first)
        wake_taken(first);
}

void semaphore_up(struct semaphore *semaphore)
{
    arch_need_frame();
    arch_up(semaphore);
}
EXPORT_SYMBOL(semaphore_up);

void mutex_init(struct mutex *mutex)
{
    *mutex = (struct mutex)MUTEX_INITIALISER(*mutex);
}
EXPORT_SYMBOL(mutex_init);

void mutex_lock(struct mutex *mutex)
{
    ASSERT(mutex->holder != current_thread());
    current_thread()->mutexes++;
    down_slowly(&mutex->free, NO_DEADLINE, false);
    mutex->holder = current_thread();
}
EXPORT_SYMBOL(mutex_lock);

void mutex_unlock(struct mutex *mutex)
{
    ASSERT(mutex->holder == current_thread());
    mutex->holder = NULL;
    semaphore_up(&mutex->free);
    current_thread()->mutexes--;
}
EXPORT_SYMBOL(mutex_unlock);

void wait_queue_init(struct wait_queue *queue)
{
    *queue = (struct wait_queue)WAIT_QUEUE_INITIALISER(*queue);
}
EXPORT_SYMBOL(wait_queue_init);

int wait_queue_wait(struct wait_queue *queue, bool (*condition)(void *), void *argument, uint64_t nanoseconds)
{
    uint64_t deadline = nanoseconds ? time_deadline(nanoseconds) : NO_DEADLINE;
    int result = 0;
    for (;;) {
        bool met;
        arch_interrupts_disable();
        spin_lock(&queue->list.lock);
        met = condition(argument);
        if (met || result != 0) {
            spin_unlock(&queue->list.lock);
            arch_interrupts_enable();
            return met ? 0 : result;
        }
        result = wait_in(&queue->list, deadline, true);
        arch_interrupts_enable();
    }
}
EXPORT_SYMBOL(wait_queue_wait);

void wait_queue_wake(struct wait_queue *queue)
{
    unsigned long flags = arch_interrupts_save();
    struct thread *first;
    spin_lock(&queue->list.lock);
    while ((first = take_first(&queue->list)))
        wake_taken(first);
    spin_unlock(&queue->list.lock);
    if (flags & ARCH_FLAGS_INTERRUPTS) { /* a thread: one that was woken may be the one to run now */
        schedule_if_asked();
        arch_interrupts_enable();
    }
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
