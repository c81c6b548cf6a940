/*
 * late.c - a wake-up that is under way when its thread's time is up does not reach the thread's next wait.
 *
 * One CPU gives at the very moment at which the other's timer ends the wait. Between taking the waiter out of its list
 * and waking it lie few instructions; only there is the giver to be overtaken. So the moment is moved by one cycle from
 * round to round. Under an instruction clock that runs the CPUs in turns, a CPU's turn ends where another's timer is
 * due: then each instruction of the giver is in its turn the one before which the waiter wakes, goes on, and waits
 * again.
 */
#include "cases.h"

#define LIMIT (20 * MICROSECOND)   /* of the first wait */
#define EARLY 300                  /* cycles before the wait's end at which the first round gives */
#define ROUNDS 1500                /* and thus as many cycles later the last one */
#define SETTLED (10 * MICROSECOND) /* in which a late wake-up would have arrived */

static struct semaphore wanted, gate;
static volatile uint64_t end; /* of the waiter's present wait, by the clock; 0: it is to begin */
static volatile uint32_t opened, passed, taken;
static volatile bool over; /* it went wrong: both sides give up */

static void wait_and_wait_again(void *unused)
{
    (void)unused;
    for (uint32_t round = 0; round < ROUNDS && !over; round++) {
        end = clock_cycles() + LIMIT * sched_clock_hz / SECOND;
        int result = semaphore_down_for(&wanted, LIMIT);
        EXPECT(result == 0 || result == -ETIMEDOUT);
        taken += result == 0;
        semaphore_down_uninterrupted(&gate);
        passed++;
        EXPECT(passed <= opened);
        over = over || passed > opened;
    }
}

static void give_at(uint64_t moment)
{
    while (clock_cycles() < moment) /* without a pause, which would end the CPU's turn */
        ;
    semaphore_up(&wanted);
}

static void late_wake_up(void)
{
    uint32_t missed = 0;

    semaphore_init(&wanted, 0);
    semaphore_init(&gate, 0);
    end = opened = passed = taken = 0;
    EXPECT(cpus_online() > 1);
    EXPECT(thread_set_affinity(thread_number(), 1) == 0);
    uint32_t waiter = start_on(2, wait_and_wait_again, NULL);
    for (uint32_t round = 0; round < ROUNDS && !over; round++) {
        while (!end && !over)
            relax();
        uint64_t moment = end - EARLY + round;
        end = 0;
        give_at(moment);
        spin_for(SETTLED);
        over = over || passed != round;
        missed += semaphore_try(&wanted); /* too late: not for the next round */
        opened++;
        semaphore_up(&gate);
    }
    join(waiter);
    thread_set_affinity(thread_number(), ALL_CPUS);
    EXPECT(!over && passed == ROUNDS);
    EXPECT(taken + missed == ROUNDS);
    EXPECT(taken > 0 && missed > 0); /* the moments were before the end, and after it */
}

static void run(void)
{
    run_case("a gift that meets the end of a wait: the later wait stays as it is", late_wake_up);
}

TEST_MODULE("late", "a test of a wake-up that another one overtakes", run);
