/*
 * swap.pml - a model of the swap of a scheduler on several CPUs, for Spin; tests/system/model runs it.
 *
 * It follows core/transaction.c, core/sched_handover.c, core/sched_dispatch.c, core/rendezvous.c, core/wake.c and
 * core/schedule.c: CPUs whose threads block, yield and wake each other on any CPU, and swaps begun on different CPUs,
 * one at a time. In a rendezvous the call sites are led to the dispatcher, and what runs moves; then the rest moves, a
 * thread under one hold of a lock, while all CPUs go on; in a second rendezvous the sites are led to the new policy, and
 * the old one's text is gone. Meanwhile the swap may be given up, which is the same way back, or the new policy may fail,
 * and the old one is filled from the core's tables. A CPU takes an interrupt only at the head of its loop, where it holds
 * no lock: everything else runs with interrupts off.
 *
 * Properties, all of them assertions or the absence of an invalid end state:
 *   retired   no function of a policy is called whose text is gone
 *   home      each thread is in exactly one policy, the one that is its home; what runs is the new one's
 *   account   after each swap and at the end every thread is where the core says, in the occupant's queue of one CPU if
 *             it is ready, in none if it waits; the sites lead to the occupant
 *   once      no thread runs on two CPUs
 *   held      in a rendezvous nobody holds a queue lock, and no thread is between two CPUs
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
#define DISPATCHER 2 /* where a call site leads to during a hand-over, else to policy 0 or 1 */

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

/* Which policy has a thread's entity; and which of them have their text still. */
byte home[THREADS];
bool present[2];

/* The slot: two call sites, patched one after the other; ENTER is called to change queues, CHOOSE to choose. */
byte site[2], occupant;
#define ENTER 0
#define CHOOSE 1

/* The hand-over under way; a policy may have failed in it. */
byte giver, taker;
bool taker_failed;

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

/* Moves a thread that is in a queue, or in none. The lock of its queue is held. */
inline move(thread)
{
    assert(present[taker] && present[giver]);
    assert(home[thread] == giver);
    assert(BELIEVED(giver, thread) == queued_on[thread]);
    BELIEVED(giver, thread) = 0;
    home[thread] = taker;
    BELIEVED(taker, thread) = queued_on[thread]
}

inline enqueue(thread, queue)
{
    if
    :: site[ENTER] == DISPATCHER ->
        if
        :: home[thread] == giver -> move(thread)
        :: home[thread] != giver
        fi
    :: else -> assert(home[thread] == site[ENTER])
    fi;
    assert(present[home[thread]] && BELIEVED(home[thread], thread) == 0);
    BELIEVED(home[thread], thread) = queue + 1;
    queued_on[thread] = queue + 1
}

inline dequeue(thread)
{
    assert(site[ENTER] == DISPATCHER || home[thread] == site[ENTER]);
    assert(present[home[thread]]);
    assert(BELIEVED(home[thread], thread) == queued_on[thread]);
    BELIEVED(home[thread], thread) = 0;
    queued_on[thread] = 0
}

/* The next in turn of a policy's queue, into running[me]; or nothing. */
inline choose(policy)
{
    assert(present[policy]);
    i = 1;
    do
    :: i <= THREADS && BELIEVED(policy, (running[me] + i + THREADS - 1) % THREADS) == me + 1 ->
        running[me] = (running[me] + i + THREADS - 1) % THREADS + 1;
        assert(queued_on[running[me] - 1] == me + 1);
        chosen = true;
        break
    :: i <= THREADS && BELIEVED(policy, (running[me] + i + THREADS - 1) % THREADS) != me + 1 -> i++
    :: i > THREADS -> break
    od
}

/*
 * Goes on with the policy's choice, or with the idle thread. In a hand-over the new policy is asked first; what the old
 * one chooses moves before it runs. The lock of this CPU's queue is held.
 */
inline go_on()
{
    chosen = false;
    if
    :: site[CHOOSE] == DISPATCHER ->
        choose(taker);
        if
        :: !chosen ->
            choose(giver);
            if
#ifndef MUTANT_START_WITHOUT_MOVING
            :: chosen -> move(running[me] - 1)
#else
            :: chosen
#endif
            :: !chosen
            fi
        :: chosen
        fi
    :: else -> choose(site[CHOOSE])
    fi;
    if
    :: !chosen -> running[me] = 0
    :: chosen -> assert(home[running[me] - 1] == (site[CHOOSE] == DISPATCHER -> taker : site[CHOOSE]))
    fi;
    chosen = false;
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

/* What a swap finds while all others are held, before and after: the core's facts and the policies' beliefs agree. */
inline account()
{
    assert(site[ENTER] == occupant && site[CHOOSE] == occupant && present[occupant]);
    i = 0;
    do
    :: i < THREADS ->
        assert(state[i] == READY || state[i] == BLOCKED);
        assert(state[i] != READY || queued_on[i] == cpu_of[i] + 1);
        assert(state[i] != BLOCKED || queued_on[i] == 0);
        assert(home[i] == occupant);
        assert(BELIEVED(occupant, i) == queued_on[i]);
        assert(BELIEVED(1 - occupant, i) == 0);
        i++
    :: i == THREADS -> break
    od;
    all_quiet()
}

inline all_quiet()
{
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

/* sched_handover_begin(): the sites lead to the dispatcher, and what runs moves. */
inline begin(from_policy, to_policy)
{
    giver = from_policy;
    taker = to_policy;
    patch_sites(DISPATCHER);
    i = 0;
    do
    :: i < CPUS ->
        if
        :: running[i] != 0 && home[running[i] - 1] == giver -> move(running[i] - 1)
        :: else
        fi;
        i++
    :: i == CPUS -> break
    od;
    i = 0
}

/* sched_handover_rebuild(): `policy` has everything, whatever was believed before. */
inline rebuild(policy)
{
    i = 0;
    do
    :: i < THREADS ->
        home[i] = policy;
        BELIEVED(policy, i) = queued_on[i];
        BELIEVED(1 - policy, i) = 0;
        i++
    :: i == THREADS -> break
    od;
    i = 0
}

inline settle(policy)
{
    occupant = policy;
    patch_sites(policy);
    present[1 - policy] = false;
    account()
}

/* What the CPU that holds all others does: install_held(), turn_back_held(), commit_held(), restore_held(). */
#define INSTALL 0
#define TURN_BACK 1
#define SETTLE 2
inline held(step)
{
    if
    :: step == INSTALL ->
        account();
        present[1 - occupant] = true;
        begin(occupant, 1 - occupant)
#ifdef MUTANT_RETIRED_TOO_EARLY
        ; present[occupant] = false
#endif
    :: step == TURN_BACK -> all_quiet(); begin(taker, 1 - taker)
    :: step == SETTLE ->
        all_quiet();
        if
#ifndef MUTANT_NO_REBUILDING
        :: taker_failed -> rebuild(giver); settle(giver)
#else
        :: taker_failed -> settle(giver)
#endif
        :: !taker_failed -> settle(taker)
        fi;
        taker_failed = false
    fi
}

/* One thread of each queue after the other, then the threads that wait. The machine runs. May end before it is done. */
inline transfer(may_end)
{
    i = 0;
    do
    :: i < THREADS ->
        serve_interrupt();
        do
        :: from = cpu_of[i];
            acquire(from);
            if
            :: atomic { cpu_of[i] == from && state[i] != WAKING -> break }
            :: atomic { else -> release(from) }
            fi
        od;
        atomic {
            if
#ifndef MUTANT_LEAVES_WAITING
            :: home[i] == giver -> move(i)
#else
            :: home[i] == giver && queued_on[i] != 0 -> move(i)
            :: home[i] == giver && queued_on[i] == 0
#endif
            :: home[i] != giver
            fi;
            release(from)
        };
        i++
    :: i == THREADS -> break
    :: i < THREADS && may_end -> ended = true; break
    od;
    i = 0;
    from = 0
}

/* transaction_run(). */
inline swap()
{
    rendezvous(INSTALL);
    transfer(true);
    if
    :: ended ->
        ended = false;
        if
        :: rendezvous(TURN_BACK); transfer(false) /* given up */
        :: taker_failed = true                    /* the new policy broke its contract */
        fi
    :: !ended
    fi;
    rendezvous(SETTLE)
}

inline rendezvous(step)
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
    held(step);
    released = number
}

proctype cpu(byte me)
{
    byte actions = ACTIONS, swaps = (me < SWAPS -> 1 : 0), i, from, target, mine;
    bool chosen, ended, done;

    do
    :: pending[me] -> serve_interrupt()
    :: actions > 0 -> actions--; yield()
    :: actions > 0 -> actions--; block()
    :: actions > 0 -> actions--; wake(0)
    :: actions > 0 -> actions--; wake(THREADS - 1)
#ifdef MUTANT_TWO_AT_ONCE
    :: swaps > 0 -> swaps--; swap()
#else
    :: atomic { swaps > 0 && one_at_a_time == 0 -> one_at_a_time = me + 1 }
        swaps--;
        swap();
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
        present[0] = true;
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
