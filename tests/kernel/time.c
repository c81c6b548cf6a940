/*
 * time.c - the clock and sleeping: never backwards, never early, many at once.
 *
 * How late a sleeper wakes depends on the machine under the emulator, so only the bound that a hang would break is
 * held.
 */
#include "cases.h"

#define SLEEPERS 1000
#define LATE_MOST (5 * SECOND)

static void clock_goes_on(void *unused)
{
    uint64_t last = clock_nanoseconds(), last_cycles = clock_cycles();

    (void)unused;
    for (uint32_t i = rounds(20000); i > 0; i--) {
        uint64_t now = clock_nanoseconds(), cycles = clock_cycles();

        EXPECT(now >= last);
        EXPECT(cycles > last_cycles);
        last = now;
        last_cycles = cycles;
        if (i % 256 == 0)
            thread_set_affinity(thread_number(), i % 512 ? 1 : ALL_CPUS - 1);
        if (i % 32 == 0)
            thread_yield();
    }
}

static void never_backwards(void)
{
    uint32_t threads[4];

    for (unsigned i = 0; i < 4; i++)
        threads[i] = start(clock_goes_on, NULL);
    for (unsigned i = 0; i < 4; i++)
        join(threads[i]);
}

static void cycles_and_nanoseconds_agree(void)
{
    uint64_t cycles = clock_cycles(), begin = clock_nanoseconds();

    spin_for(5 * MILLISECOND);
    cycles = clock_cycles() - cycles;
    uint64_t passed = clock_nanoseconds() - begin, expected = passed * (sched_clock_hz / 1000) / 1000000;
    uint64_t apart = cycles > expected ? cycles - expected : expected - cycles;
    EXPECT(apart < expected / 10 + sched_clock_hz / 1000);
}

static void sleep_one(uint64_t nanoseconds)
{
    uint64_t begin = clock_nanoseconds(), passed;

    EXPECT(thread_sleep(nanoseconds) == 0);
    passed = clock_nanoseconds() - begin;
    EXPECT(passed >= nanoseconds);
    EXPECT(passed < nanoseconds + LATE_MOST);
}

static void never_early(void)
{
    static const uint64_t times[] = {
        0, 1, 999, MICROSECOND, 50 * MICROSECOND, MILLISECOND, MILLISECOND + 1, 3 * MILLISECOND, 20 * MILLISECOND};

    for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++)
        sleep_one(times[i]);
}

static volatile uint32_t awake;

static void sleep_some(void *argument)
{
    uint32_t seed = (uint32_t)number_of(argument);

    for (unsigned i = 0; i < 3; i++)
        sleep_one(random_next(&seed) % (20 * MILLISECOND));
    __atomic_fetch_add(&awake, 1, __ATOMIC_SEQ_CST);
}

static uint32_t sleepers[SLEEPERS];

static void many_sleep(void)
{
    uint32_t count = rounds(SLEEPERS) < 200 ? 200 : SLEEPERS;

    awake = 0;
    for (uint32_t i = 0; i < count; i++)
        sleepers[i] = start(sleep_some, argument_of(i + 1));
    for (uint32_t i = 0; i < count; i++)
        join(sleepers[i]);
    EXPECT(awake == count);
}

/* On one CPU, a shorter sleep that began at the same time ends first. */
static volatile uint32_t order[4], arrived;
static uint64_t wake_at;

static void sleep_until(void *argument)
{
    uint64_t now = clock_nanoseconds(), end = wake_at + number_of(argument) * 4 * MILLISECOND;

    EXPECT(thread_sleep(end > now ? end - now : 0) == 0);
    order[__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST)] = (uint32_t)number_of(argument);
}

static void in_order(void)
{
    static const uint32_t mixed[] = {2, 0, 3, 1};
    uint32_t threads[4];

    arrived = 0;
    wake_at = clock_nanoseconds() + 10 * MILLISECOND;
    for (unsigned i = 0; i < 4; i++)
        threads[i] = start_on(1, sleep_until, argument_of(mixed[i]));
    for (unsigned i = 0; i < 4; i++)
        join(threads[i]);
    for (unsigned i = 0; i < 4; i++)
        EXPECT(order[i] == i);
}

/* Deadlines that are met before their time leave no timer behind, whichever CPU it was on. */
static struct semaphore plenty;

static void never_wait_long(void *unused)
{
    (void)unused;
    for (uint32_t i = rounds(5000); i > 0; i--) {
        EXPECT(semaphore_down_for(&plenty, 100 * SECOND) == 0);
        semaphore_up(&plenty);
        if (i % 16 == 0)
            thread_yield();
    }
}

static void met_before_their_time(void)
{
    uint32_t threads[6];

    semaphore_init(&plenty, 2);
    for (unsigned i = 0; i < 6; i++)
        threads[i] = start(never_wait_long, NULL);
    for (unsigned i = 0; i < 6; i++)
        join(threads[i]);
    EXPECT(plenty.count == 2);
}

static void run(void)
{
    run_case("the clock never goes backwards, on whichever CPU it is read", never_backwards);
    run_case("cycles and nanoseconds tell the same time", cycles_and_nanoseconds_agree);
    run_case("no sleep ends early", never_early);
    run_case("a crowd of sleepers all wake, none early", many_sleep);
    run_case("who is to wake earlier wakes earlier", in_order);
    run_case("limits that are not reached leave nothing behind", met_before_their_time);
}

TEST_MODULE("time", "tests of the clock and of sleeping", run);
