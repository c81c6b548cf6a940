/*
 * swap.pml - a model of the swap of a scheduler on several CPUs, for Spin; tests/system/model runs it.
 *
 * It follows core/swap.c (held), core/rendezvous.c, core/wake.c, core/schedule.c and core/sched_slot.c (transfer): CPUs
 * whose threads block, yield and wake each other on any CPU, and rendezvous begun on different CPUs, in which the call
 * sites are closed, the threads handed over, which may fail, and the sites opened again. A CPU takes an interrupt only
 * at the head of its loop, where it holds no lock: everything else runs with interrupts off.
 *
 * Properties, all of them assertions or the absence of an invalid end state:
 *   closed    no function of the slot is called while the slot is closed
 *   account   after each swap and at the end every thread is where the core says, in the occupant's queue of one CPU if
 *             it is ready, in none if it waits; the sites lead to the occupant
 *   once      no thread runs on two CPUs
 *   held      while a swap works, nobody holds a queue lock, and no thread is between two CPUs
 *   end       all CPUs come to their end: no deadlock
 *
 * Defining one of the names MUTANT_* breaks the protocol in one place; a property must fail then.
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ACTIONS
#define ACTIONS 2 /* of each CPU: to block, to yield, or to wake */
#endif
#define SWAPS 2   /* begun on CPUs 0 and 1 */
#define CLOSED 2  /* where a call site leads to, if not to policy 0 or 1 */

#define READY 1
#define BLOCKED 2
#define WAKING 3

/* The core's facts. CPUs and threads are counted from 1 where 0 stands for none. */
byte state[THREADS], cpu_of[THREADS], queued_on[THREADS];
byte running[CPUS];
byte queue_lock[CPUS];

/* What each of the two policies believes: in the queue of which CPU a thread is. */
byte believed[2 * THREADS];
#define BELIEVED(policy, thread) believed[(policy) * THREADS + (thread)]

/* The slot: two call sites, patched one after the other; ENTER is called to change queues, CHOOSE to choose. */
byte site[2], occupant;
#define ENTER 0
#define CHOOSE 1

/* The rendezvous. */
byte number, released, seen[CPUS];
bool pending[CPUS];
byte one_at_a_time; /* the mutex: who holds it */

byte finished; /* CPUs that have done what they were to do */

inline acquire(queue)
{
    atomic { queue_lock[queue] == 0 -> queue_lock[queue] = me + 1 }
}

inline release(queue)
{
    assert(queue_lock[queue] == me + 1);
    queue_lock[queue] = 0
}

inline enqueue(thread, queue)
{
    assert(site[ENTER] != CLOSED);
    assert(BELIEVED(site[ENTER], thread) == 0);
    BELIEVED(site[ENTER], thread) = queue + 1;
    queued_on[thread] = queue + 1
}

inline dequeue(thread)
{
    assert(site[ENTER] != CLOSED);
    assert(BELIEVED(site[ENTER], thread) == queued_on[thread]);
    BELIEVED(site[ENTER], thread) = 0;
    queued_on[thread] = 0
}

/* Goes on with the policy's choice, the next in turn, or with the idle thread. The lock of this CPU's queue is held. */
inline go_on()
{
    assert(site[CHOOSE] != CLOSED);
    i = 1;
    do
    :: i <= THREADS && BELIEVED(site[CHOOSE], (running[me] + i + THREADS - 1) % THREADS) == me + 1 ->
        running[me] = (running[me] + i + THREADS - 1) % THREADS + 1;
        assert(queued_on[running[me] - 1] == me + 1);
        break
    :: i <= THREADS && BELIEVED(site[CHOOSE], (running[me] + i + THREADS - 1) % THREADS) != me + 1 ->
        i++
    :: i > THREADS ->
        running[me] = 0;
        break
    od;
    i = 0;
    do
    :: i < CPUS -> assert(i == me || running[i] == 0 || running[i] != running[me]); i++
    :: i == CPUS -> break
    od;
    i = 0
}

inline yield()
{
    acquire(me);
    atomic { go_on(); release(me) }
}

inline block()
{
    acquire(me);
    atomic {
        if
        :: running[me] != 0 ->
            state[running[me] - 1] = BLOCKED;
            dequeue(running[me] - 1)
        :: running[me] == 0
        fi;
        go_on();
        release(me)
    }
}

/* thread_wake(): to the queue of any CPU, by way of WAKING if it is another one. */
inline wake(thread)
{
    do
    :: from = cpu_of[thread];
        acquire(from);
        if
        :: atomic { cpu_of[thread] == from && state[thread] != WAKING -> break }
        :: atomic { else -> release(from) }
        fi
    od;
#ifdef MUTANT_INTERRUPT_WITH_LOCK
    serve_interrupt();
#endif
    if
    :: atomic { state[thread] != BLOCKED -> release(from) }
    :: state[thread] == BLOCKED ->
        atomic { select(target : 0 .. CPUS - 1) };
        if
        :: target != from ->
            atomic {
#ifndef MUTANT_NO_WAKING
                state[thread] = WAKING;
#endif
                cpu_of[thread] = target;
                release(from)
            };
            acquire(target)
        :: target == from
        fi;
        atomic { enqueue(thread, target); state[thread] = READY; release(target) }
    fi;
    from = 0;
    target = 0
}

/* The handler of the rendezvous' interrupt. */
inline serve_interrupt()
{
    if
    :: atomic { pending[me] -> pending[me] = false; mine = number }
        if
        :: seen[me] == mine
        :: seen[me] != mine ->
            seen[me] = mine;
#ifndef MUTANT_NO_WAIT_FOR_RELEASE
            released == mine;
#endif
        fi;
        mine = 0
    :: !pending[me]
    fi
}

inline patch_sites(policy)
{
    site[ENTER] = policy;
    site[CHOOSE] = policy
}

/* What a swap finds while all others are held, before and after: the core's facts and the occupant's beliefs agree. */
inline account()
{
    assert(site[ENTER] == occupant && site[CHOOSE] == occupant);
    i = 0;
    do
    :: i < THREADS ->
        assert(state[i] == READY || state[i] == BLOCKED);
        assert(state[i] != READY || queued_on[i] == cpu_of[i] + 1);
        assert(state[i] != BLOCKED || queued_on[i] == 0);
        assert(BELIEVED(occupant, i) == queued_on[i]);
        assert(BELIEVED(1 - occupant, i) == 0);
        i++
    :: i == THREADS -> break
    od;
    i = 0;
    do
    :: i < CPUS ->
        assert(queue_lock[i] == 0);
        assert(running[i] == 0 || queued_on[running[i] - 1] == i + 1);
        i++
    :: i == CPUS -> break
    od;
    i = 0
}

/* Every thread from one policy to the other, all out first; may fail anywhere, and then everything goes back. */
inline transfer()
{
    i = 0;
    do
    :: i < THREADS && !failed -> BELIEVED(occupant, i) = 0; i++
    :: i < THREADS && !failed -> failed = true
    :: i == THREADS || failed -> break
    od;
    if
    :: !failed ->
        i = 0;
        do
        :: i < THREADS -> BELIEVED(1 - occupant, i) = queued_on[i]; i++
        :: i == THREADS -> break
        od;
        if
        :: true
        :: failed = true /* the new policy's queues do not verify */
        fi
    :: failed
    fi;
    if
    :: failed ->
        i = 0;
        do
        :: i < THREADS ->
            BELIEVED(1 - occupant, i) = 0;
#ifndef MUTANT_NO_GIVING_BACK
            BELIEVED(occupant, i) = queued_on[i];
#endif
            i++
        :: i == THREADS -> break
        od
    :: !failed
    fi;
    i = 0
}

/* held() of core/swap.c. */
inline swap()
{
    failed = false;
    account();
#ifdef MUTANT_OPEN_BEFORE_VERIFIED
    patch_sites(1 - occupant);
    transfer();
#else
    patch_sites(CLOSED);
    transfer();
#endif
    if
    :: !failed -> occupant = 1 - occupant
    :: failed
    fi;
#ifndef MUTANT_OPEN_BEFORE_VERIFIED
    patch_sites(occupant);
#endif
    account();
    failed = false
}

inline rendezvous()
{
    number++;
    i = 0;
    do
    :: i < CPUS ->
        if
        :: i != me -> pending[i] = true
        :: i == me
        fi;
        i++
    :: i == CPUS -> break
    od;
#ifndef MUTANT_NO_WAIT_FOR_SEEN
    i = 0;
    do
    :: i < CPUS -> (i == me || seen[i] == number); i++
    :: i == CPUS -> break
    od;
#endif
    swap();
    released = number
}

proctype cpu(byte me)
{
    byte actions = ACTIONS, swaps = (me < SWAPS -> 1 : 0), i, from, target, mine;
    bool failed, done;

    do
    :: pending[me] -> serve_interrupt()
    :: actions > 0 -> actions--; yield()
    :: actions > 0 -> actions--; block()
    :: actions > 0 -> actions--; wake(0)
    :: actions > 0 -> actions--; wake(THREADS - 1)
#ifdef MUTANT_TWO_AT_ONCE
    :: swaps > 0 -> swaps--; rendezvous()
#else
    :: atomic { swaps > 0 && one_at_a_time == 0 -> one_at_a_time = me + 1 }
        swaps--;
        rendezvous();
        one_at_a_time = 0
#endif
    :: atomic { actions == 0 && swaps == 0 && !done -> done = true; finished++ }
    :: finished == CPUS -> break
    od
}

init
{
    byte i, me;

    atomic {
        do
        :: i < THREADS ->
            cpu_of[i] = i % CPUS;
            if
            :: i < THREADS - 1 ->
                state[i] = READY;
                queued_on[i] = i % CPUS + 1;
                BELIEVED(0, i) = i % CPUS + 1
            :: else -> state[i] = BLOCKED
            fi;
            i++
        :: i == THREADS -> break
        od;
        i = 0;
        do
        :: i < CPUS ->
            if
            :: i < THREADS - 1 -> running[i] = i + 1
            :: else
            fi;
            run cpu(i);
            i++
        :: i == CPUS -> break
        od;
        i = 0
    };
    atomic { finished == CPUS && _nr_pr == 1 -> account() }
}
