/*
 * preemption.c - threads that never wait cannot stop the others; weights and priorities of live threads.
 *
 * Holds under every scheduler that lets all threads of equal weight and priority run.
 */
#include "cases.h"

#define SPINNERS 8

static volatile bool over;
static volatile uint64_t spins[SPINNERS];
static volatile uint32_t done;

static void spin(void *argument)
{
    while (!over)
        spins[number_of(argument)] = spins[number_of(argument)] + 1;
}

static void be_done(void *unused)
{
    (void)unused;
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

/* All that a thread does still goes on while as many spin on each CPU as there are CPUs at all, and more. */
static void spinners_stop_nobody(void)
{
    uint32_t threads[SPINNERS];
    unsigned count = cpus_online();

    over = false;
    done = 0;
    for (uint32_t i = 0; i < SPINNERS; i++) {
        spins[i] = 0;
        threads[i] = start_on(1ull << i % count, spin, argument_of(i));
    }
    for (unsigned i = 0; i < 4; i++)
        EXPECT(thread_sleep(2 * MILLISECOND) == 0);
    for (unsigned i = 0; i < 4; i++)
        join(start_on(1ull << i % count, be_done, NULL));
    EXPECT(done == 4);
    for (unsigned i = 0; i < 4; i++)
        thread_yield();
    uint64_t limit = clock_nanoseconds() + 20 * SECOND;
    bool all = false;
    while (!all && clock_nanoseconds() < limit) {
        thread_sleep(MILLISECOND);
        all = true;
        for (uint32_t i = 0; i < SPINNERS; i++)
            all &= spins[i] > 0;
    }
    EXPECT(all);
    over = true;
    for (uint32_t i = 0; i < SPINNERS; i++)
        join(threads[i]);
}

/* A live thread in each state, whose parameters change all the time. */
static struct semaphore door;

static void run_and_wait(void *argument)
{
    uint32_t seed = (uint32_t)number_of(argument);

    while (!over) {
        switch (random_next(&seed) % 4) {
        case 0:
            spin_for(20 * MICROSECOND);
            break;
        case 1:
            thread_yield();
            break;
        case 2:
            thread_sleep(30 * MICROSECOND);
            break;
        default:
            semaphore_down_for(&door, 50 * MICROSECOND);
        }
        __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    }
}

static void parameters_change(void)
{
    uint32_t threads[6], seed = 3;

    over = false;
    done = 0;
    semaphore_init(&door, 0);
    for (uint32_t i = 0; i < 6; i++)
        threads[i] = start(run_and_wait, argument_of(i + 1));
    for (uint32_t i = rounds(5000); i > 0; i--) {
        uint32_t thread = threads[random_next(&seed) % 6];

        EXPECT(thread_set_weight(thread, WEIGHT_MIN + random_next(&seed) % WEIGHT_MAX) == 0);
        EXPECT(thread_set_priority(thread, PRIORITY_MIN + random_next(&seed) % PRIORITY_MAX) == 0);
        if (i % 32 == 0)
            semaphore_up(&door);
        if (i % 16 == 0)
            thread_yield();
        if (i % 128 == 0)
            thread_sleep(20 * MICROSECOND);
    }
    for (uint32_t i = 0; i < 6; i++)
        EXPECT(thread_set_priority(threads[i], PRIORITY_DEFAULT) == 0);
    AWAIT(done, 50);
    over = true;
    for (uint32_t i = 0; i < 6; i++)
        join(threads[i]);
}

static void bad_parameters_are_refused(void)
{
    uint32_t me = thread_number();

    EXPECT(thread_set_weight(me, WEIGHT_MIN - 1) == -ERANGE);
    EXPECT(thread_set_weight(me, WEIGHT_MAX + 1) == -ERANGE);
    EXPECT(thread_set_weight(me, ~0ull) == -ERANGE);
    EXPECT(thread_set_priority(me, PRIORITY_MIN - 1) == -ERANGE);
    EXPECT(thread_set_priority(me, PRIORITY_MAX + 1) == -ERANGE);
    EXPECT(thread_set_weight(me, WEIGHT_MAX) == 0);
    EXPECT(thread_set_weight(me, WEIGHT_DEFAULT) == 0);
    EXPECT(thread_set_priority(me, PRIORITY_DEFAULT) == 0);
    EXPECT(thread_set_weight(0x7ffffff0, WEIGHT_DEFAULT) == -ESRCH);
    EXPECT(thread_set_priority(0x7ffffff0, PRIORITY_DEFAULT) == -ESRCH);
}

static void run(void)
{
    run_case("threads that never wait cannot stop others", spinners_stop_nobody);
    run_case("weights and priorities of live threads change, and all go on", parameters_change);
    run_case("bad weights and priorities are refused", bad_parameters_are_refused);
}

TEST_MODULE("preemption", "tests of preemption and of parameters", run);
