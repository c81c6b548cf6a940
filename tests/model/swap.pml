/*
 * swap.pml - the swap protocol on several CPUs, for the model checker Spin.
 *
 * What core/swap.c, core/rendezvous.c and the run-queue paths do, reduced to what their safety rests on: each CPU calls
 * the slot with interrupts off under a queue lock; a rendezvous interrupts all others, which come only from where
 * interrupts are on; while they are held the sites are closed, everything is handed over or given back, the sites opened.
 * Any CPU may ask for a swap at any time, also two at once; any transfer may fail.
 *
 * Checked: no call finds the slot closed; every call finds the thread with the policy that is called; no thread is in two
 * queues or in none that it should be in; nobody holds a lock while all are held; nobody waits for ever.
 *
 * Each mutation leaves out one thing that the protocol does, and must be found out: NO_WAIT (the others are not waited
 * for), NO_MUTEX (two rendezvous at once), OPEN_EARLY (the sites opened before the transfer has succeeded), LOCK_OPEN
 * (locks held with interrupts on), LATE_RELEASE (the others are let go before the sites are open).
 */
#ifndef CPUS
#define CPUS 2
#endif
#define THREADS 2
#define ACTIONS 2 /* of each CPU, before it only serves interrupts */
#define SWAPS 2   /* in all */

#define CLOSED 2 /* what the sites lead to: policy 0, policy 1, or the function that panics */

byte sites = 0;           /* where the call sites lead */
byte home[THREADS];       /* the policy that holds a thread */
byte queued[THREADS];     /* in how many queues a thread is */
bool ready[THREADS];      /* wants to run */
bool locked = false;      /* the queue lock (one for all: the coarser, the more can go wrong) */
bool interrupt[CPUS];     /* a rendezvous is pending here */
byte number = 0;          /* of the rendezvous */
byte released = 0;
byte seen[CPUS];
bool mutex = false;       /* one rendezvous at a time */
byte swaps = 0;
byte acting = CPUS;       /* CPUs that still have actions to do */

/* The handler of the rendezvous interrupt: interrupts are off until the end. */
inline serve(me)
{
    d_step {
        interrupt[me] = false;
        mine = number;
        seen[me] = mine;
    }
    released == mine
}

/* Takes the queue lock with interrupts off. LOCK_OPEN: the interrupt comes in between. */
inline take_lock(me)
{
    atomic { !locked -> locked = true }
#ifdef LOCK_OPEN
    if
    :: interrupt[me] -> serve(me)
    :: true
    fi
#endif
}

/* One call of the slot for a thread: enqueue or dequeue. */
inline call_slot(thread)
{
    assert(sites != CLOSED);
    assert(sites == home[thread]);
    if
    :: ready[thread] -> ready[thread] = false; queued[thread]--
    :: else -> ready[thread] = true; queued[thread]++
    fi;
    assert(queued[thread] <= 1)
}

/* Moves every thread to the other policy; may fail after any of them, and then moves those back. */
inline transfer(from, to)
{
    thread = 0;
    good = true;
    do
    :: good && thread < THREADS -> home[thread] = to; thread++
    :: good && thread < THREADS -> good = false
    :: thread == THREADS || !good -> break
    od;
    do
    :: !good && thread > 0 -> thread--; home[thread] = from
    :: good || thread == 0 -> break
    od
}

inline rendezvous_and_swap(me)
{
    /* The mutex is waited for with interrupts on. */
#ifndef NO_MUTEX
    do
    :: atomic { !mutex -> mutex = true; break }
    :: interrupt[me] -> serve(me)
    od;
#endif
    number++;
    now = number;
    other = 0;
    do
    :: other < CPUS && other != me -> interrupt[other] = true; other++
    :: other < CPUS && other == me -> other++
    :: other == CPUS -> break
    od;
#ifndef NO_WAIT
    other = 0;
    do
    :: other < CPUS && (other == me || seen[other] == now) -> other++
    :: other == CPUS -> break
    od;
#endif
    old = sites;
    sites = CLOSED;
    assert(!locked);
#ifdef LATE_RELEASE
    released = now;
#endif
#ifdef OPEN_EARLY
    sites = 1 - old;
#endif
    transfer(old, 1 - old);
#ifndef OPEN_EARLY
    sites = (good -> 1 - old : old);
#endif
    released = now;
    mutex = false
}

proctype cpu(byte me)
{
    byte mine, now, other, old, thread, actions = ACTIONS;
    bool good;
    do
    :: interrupt[me] -> serve(me)
    :: actions > 0 ->
        actions--;
        if
        :: take_lock(me); call_slot(0); locked = false
        :: take_lock(me); call_slot(1); locked = false
        :: atomic { swaps < SWAPS -> swaps++ }; rendezvous_and_swap(me)
        fi
    :: actions == 0 -> acting--; break
    od;
    /* Nothing more of its own: it idles, with interrupts on. */
end:
    do
    :: interrupt[me] -> serve(me)
    od
}

/* When all have done their part: every thread is where its state says, with the policy that is in place. */
proctype observer()
{
    byte thread = 0;
    acting == 0;
    assert(sites != CLOSED && !locked && !mutex);
    do
    :: thread < THREADS ->
        assert(home[thread] == sites);
        assert(queued[thread] == (ready[thread] -> 1 : 0));
        thread++
    :: thread == THREADS -> break
    od
}

init
{
    byte i = 0;
    atomic {
        ready[0] = true;
        queued[0] = 1;
        do
        :: i < CPUS -> run cpu(i); i++
        :: i == CPUS -> break
        od;
        run observer()
    }
}
