/*
 * schedule.h - which thread runs now: the paths on which a CPU goes from one thread to another.
 */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "core/thread.h"

/*
 * The running thread has been marked as no longer able to run (state BLOCKED or ENDED): goes on with another one.
 * Context: interrupts off, this CPU's queue lock held. Returns with it released and interrupts off, when the thread
 * runs again.
 */
void schedule_block(enum sched_reason reason);

/*
 * thread_yield() where something wants attention: takes the queue lock, returns the thread to go on with. Context:
 * interrupts off.
 */
struct thread *schedule_yield_slowly(void);

/*
 * The thread to go on with; of the urgent ones the first, but one that runs and still can goes on: yielding to its like
 * is done before. Context: interrupts off, this CPU's queue lock held.
 */
struct thread *schedule_pick(struct cpu *cpu);

/*
 * The policy chose `entity`, which is not in its queue: has it replaced; meanwhile the core's own table says who is
 * there. Context: as above.
 */
struct thread *schedule_without_policy(struct cpu *cpu, uintptr_t entity);

/*
 * Chooses again if that was asked for (cpu->reschedule). Context: interrupts off, no lock held. Returns with
 * interrupts off.
 */
void schedule_if_asked(void);

/* The CPU's timer tick, after its time has come. Context: interrupts off, no lock held. */
void schedule_tick(struct cpu *cpu);

/*
 * A thread that is in this CPU's queue by the core's table, or its idle thread. O(threads): when a policy has failed.
 */
struct thread *schedule_any(struct cpu *cpu);

/* What an idle thread does, for ever. Interrupts on. */
_Noreturn void schedule_idle(void);

/*
 * Makes a CPU choose again soon: at its return from an interrupt, which is sent if it is another one. Context:
 * interrupts off.
 */
void schedule_ask(struct cpu *cpu);

/*
 * Charges the running thread up to now. Context: interrupts off, the queue lock held; or in a rendezvous, for any
 * CPU.
 */
void schedule_charge(struct cpu *cpu);

/*
 * Makes a blocked thread ready and puts it in a queue, on a CPU that its affinity allows. `result` is what its wait
 * returns. Does nothing and returns false if it is not blocked. Context: interrupts off, no queue lock held.
 */
bool thread_wake(struct thread *thread, int result, enum sched_reason reason);

/*
 * Ends the wait of a blocked thread with -EINTR, if that may be cut short. In one step with looking at it: a moment
 * later it could stand in another wait. Context: interrupts off, the queue lock of its CPU held; returns with that
 * released.
 */
void thread_interrupt(struct cpu *cpu, struct thread *thread);

/*
 * Queues a thread that is ready but in no queue, not running, where its affinity allows. Context: interrupts off, no
 * queue lock held.
 */
void thread_place(struct thread *thread);

/* Takes the queue lock of the thread's CPU. Context: interrupts off. */
struct cpu *thread_lock(struct thread *thread);

/* The CPU on which a thread that becomes ready is to be queued. Context: interrupts off, its CPU's queue lock held. */
struct cpu *balance_place(struct thread *thread);

/*
 * Moves a thread from another CPU's queue to this one's if it should run here: because nothing else would, because
 * the order holds across CPUs, or (`periodic`) because the other CPU has more to do. Context: interrupts off, this
 * CPU's queue lock held; others are only tried.
 */
void balance_pull(struct cpu *cpu, bool periodic);

#endif
