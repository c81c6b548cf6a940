/*
 * placement.c - affinity: no thread runs on a CPU that it may not run on, whenever its affinity is changed.
 *
 * Which CPU runs it, a thread asks the CPU itself. Changes meet threads that run, are ready, wait, yield and end; with
 * one CPU the cases hold trivially.
 */
#include "cases.h"

#define MOVED 6

static unsigned cpu_count;
static volatile bool over;

static bool may_be_seen(uint64_t affinity)
{
    return affinity >> cpu_seen() & 1;
}

static void stay(void *argument)
{
    uint64_t affinity = 1ull << number_of(argument);

    for (uint32_t i = rounds(2000); i > 0; i--) {
        EXPECT(may_be_seen(affinity));
        if (i % 16 == 0)
            thread_yield();
        if (i % 512 == 0)
            thread_sleep(10 * MICROSECOND);
    }
}

static void starts_and_stays(void)
{
    uint32_t threads[8];

    for (uint32_t i = 0; i < 8; i++)
        threads[i] = start_on(1ull << i % cpu_count, stay, argument_of(i % cpu_count));
    for (uint32_t i = 0; i < 8; i++)
        join(threads[i]);
}

/* Moves itself about; when the call returns it is where it may be. */
static void move_oneself(void *argument)
{
    uint32_t seed = (uint32_t)number_of(argument);

    for (uint32_t i = rounds(1500); i > 0; i--) {
        uint64_t affinity = 1 + random_next(&seed) % ((1ull << cpu_count) - 1);

        EXPECT(thread_set_affinity(thread_number(), affinity) == 0);
        EXPECT(may_be_seen(affinity));
        if (i % 4 == 0)
            thread_yield();
        EXPECT(may_be_seen(affinity));
    }
}

static void moves_itself(void)
{
    uint32_t threads[MOVED];

    for (uint32_t i = 0; i < MOVED; i++)
        threads[i] = start(move_oneself, argument_of(i + 1));
    for (uint32_t i = 0; i < MOVED; i++)
        join(threads[i]);
}

/* Is moved by another thread in one of several states, and says where it was seen after that. */
enum doing { RUNS, YIELDS, SLEEPS, WAITS, DOINGS };

static volatile uint32_t looks, seen;
static struct semaphore turnstile;

static void be_moved(void *doing)
{
    while (!over) {
        seen = cpu_seen();
        looks = looks + 1;
        if (number_of(doing) == YIELDS)
            thread_yield();
        else if (number_of(doing) == SLEEPS)
            thread_sleep(200 * MICROSECOND);
        else if (number_of(doing) == WAITS)
            semaphore_down(&turnstile);
        else
            relax();
    }
}

/* It must soon be seen on the new CPU, and from then on nowhere else. */
static void move_and_look(uint32_t thread, unsigned cpu, bool open)
{
    uint64_t limit = clock_nanoseconds() + 10 * SECOND;

    EXPECT(thread_set_affinity(thread, 1ull << cpu) == 0);
    do {
        uint32_t before = looks;
        if (open)
            semaphore_up(&turnstile);
        while (looks < before + 2 && clock_nanoseconds() < limit) {
            if (open)
                semaphore_up(&turnstile);
            thread_sleep(20 * MICROSECOND);
        }
    } while (seen != cpu && clock_nanoseconds() < limit);
    EXPECT(seen == cpu);
    for (unsigned i = 0; i < 5; i++) {
        if (open)
            semaphore_up(&turnstile);
        thread_sleep(50 * MICROSECOND);
        EXPECT(seen == cpu);
    }
}

static void is_moved(void)
{
    for (enum doing doing = RUNS; doing < DOINGS; doing++) {
        semaphore_init(&turnstile, 0);
        over = false;
        looks = 0;
        uint32_t thread = start(be_moved, argument_of(doing));
        for (unsigned i = 0; i < 5 * cpu_count; i++)
            move_and_look(thread, (i * 3 + 1) % cpu_count, doing == WAITS);
        over = true;
        semaphore_up(&turnstile);
        join(thread);
    }
}

/* Many that wait for each other while they are moved about at random: the accounts must agree. */
static struct semaphore chairs[MOVED];
static volatile uint32_t served[MOVED];
static uint32_t ring[MOVED];

static void pass_on(void *argument)
{
    uint32_t me = (uint32_t)number_of(argument);

    for (uint32_t i = rounds(2000); i > 0; i--) {
        EXPECT(semaphore_down(&chairs[me]) == 0);
        served[me] = served[me] + 1;
        if (i % 8 == 0)
            thread_yield();
        if (i % 64 == 0)
            thread_sleep(5 * MICROSECOND);
        semaphore_up(&chairs[(me + 1) % MOVED]);
    }
}

static void move_ring(void *unused)
{
    uint32_t seed = 99;

    (void)unused;
    while (!over) {
        uint64_t affinity = 1 + random_next(&seed) % ((1ull << cpu_count) - 1);
        int result = thread_set_affinity(ring[random_next(&seed) % MOVED], affinity);

        EXPECT(result == 0 || result == -ESRCH);
        if (random_next(&seed) % 4 == 0)
            thread_yield();
    }
}

static void storm(void)
{
    over = false;
    for (uint32_t i = 0; i < MOVED; i++) {
        semaphore_init(&chairs[i], i % 2);
        served[i] = 0;
    }
    for (uint32_t i = 0; i < MOVED; i++)
        ring[i] = start(pass_on, argument_of(i));
    uint32_t mover = start(move_ring, NULL);
    for (uint32_t i = 0; i < MOVED; i++)
        join(ring[i]);
    over = true;
    join(mover);
    for (uint32_t i = 0; i < MOVED; i++)
        EXPECT(served[i] == rounds(2000) && chairs[i].count == i % 2);
}

/* Threads that end while they are moved. */
static volatile uint32_t ended;

static void end_soon(void *argument)
{
    for (volatile uint64_t i = number_of(argument) % 200; i > 0; i--)
        relax();
    __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}

static void ends_while_moved(void)
{
    uint32_t seed = 5;

    ended = 0;
    for (uint32_t i = 0; i < rounds(2000); i++) {
        uint32_t thread = start(end_soon, argument_of(random_next(&seed)));

        for (unsigned moves = random_next(&seed) % 8; moves > 0; moves--) {
            int result = thread_set_affinity(thread, 1 + random_next(&seed) % ((1ull << cpu_count) - 1));
            EXPECT(result == 0 || result == -ESRCH);
        }
        join(thread);
    }
    EXPECT(ended == rounds(2000));
}

static void refuses_nowhere(void)
{
    struct thread_options nowhere = {.affinity = 1ull << 63};

    EXPECT(thread_create(&nowhere, stay, NULL) == -EINVAL);
    EXPECT(thread_set_affinity(thread_number(), 0) == -EINVAL);
    EXPECT(thread_set_affinity(thread_number(), 1ull << 63) == -EINVAL);
    EXPECT(thread_set_affinity(0x7ffffff0, 1) == -ESRCH);
}

static void run(void)
{
    cpu_count = cpus_online();
    run_case("a thread is seen only on the CPUs that it was made for", starts_and_stays);
    run_case("a thread that changes its own affinity is where it may be at once", moves_itself);
    run_case("one that runs, yields, sleeps or waits is moved, and stays", is_moved);
    run_case("threads that wait for each other and are moved all the time lose nothing", storm);
    run_case("threads end while they are moved", ends_while_moved);
    run_case("an affinity without a CPU is refused", refuses_nowhere);
}

TEST_MODULE("placement", "tests of affinity", run);
