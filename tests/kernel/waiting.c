/*
 * waiting.c - semaphores, mutexes, wait queues: order, time-outs, an end asked for during a wait, exclusion.
 *
 * Races between two wakers of one thread are in races.c.
 */
#include "cases.h"

#define WAITERS 6

static struct semaphore turnstile;
static volatile uint32_t passed;
static uint32_t order[WAITERS];

static void wait_in_line(void *place)
{
    EXPECT(semaphore_down(&turnstile) == 0);
    order[passed] = (uint32_t)number_of(place);
    __atomic_fetch_add(&passed, 1, __ATOMIC_SEQ_CST);
}

/* Waits until one more thread stands in the semaphore's list: its last is another one then. */
static void await_waiter(const struct ring *before)
{
    struct ring *volatile *last = &turnstile.list.waiters.previous;
    uint64_t limit = clock_nanoseconds() + 10 * SECOND;

    while (*last == before && clock_nanoseconds() < limit)
        thread_yield();
    EXPECT(*last != before);
}

static void first_come_first_served(void)
{
    uint32_t threads[WAITERS];

    semaphore_init(&turnstile, 0);
    passed = 0;
    for (uint32_t i = 0; i < WAITERS; i++) {
        struct ring *before = turnstile.list.waiters.previous;

        threads[i] = start(wait_in_line, argument_of(i));
        await_waiter(before);
    }
    for (uint32_t i = 0; i < WAITERS; i++) {
        semaphore_up(&turnstile);
        AWAIT(passed, i + 1);
        EXPECT(order[i] == i);
    }
    for (uint32_t i = 0; i < WAITERS; i++)
        join(threads[i]);
    EXPECT(turnstile.count == 0);
}

static void counts_what_is_given(void)
{
    struct semaphore semaphore;

    semaphore_init(&semaphore, 2);
    EXPECT(semaphore_try(&semaphore));
    EXPECT(semaphore_down(&semaphore) == 0);
    EXPECT(!semaphore_try(&semaphore));
    semaphore_up(&semaphore);
    EXPECT(semaphore_down_for(&semaphore, 0) == 0);
    EXPECT(!semaphore_try(&semaphore));
}

static void gives_up_after_its_time(void)
{
    static const uint64_t times[] = {0, 1, MICROSECOND, MILLISECOND, 7 * MILLISECOND};
    struct semaphore semaphore;

    semaphore_init(&semaphore, 0);
    for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++) {
        uint64_t begin = clock_nanoseconds();

        EXPECT(semaphore_down_for(&semaphore, times[i]) == -ETIMEDOUT);
        EXPECT(clock_nanoseconds() - begin >= times[i]);
    }
    EXPECT(!semaphore_try(&semaphore));
    semaphore_up(&semaphore);
    EXPECT(semaphore_try(&semaphore));
}

/* A thread that waits in one of several ways and notes what came of it. */
enum wait { DOWN, DOWN_FOR, SLEEP, QUEUE, UNINTERRUPTED, WAYS };

static struct wait_queue queue;
static volatile uint32_t waiting, result_known;
static int result;
static bool killed_seen;

static bool never(void *unused)
{
    (void)unused;
    return false;
}

static void wait_somehow(void *way)
{
    waiting = 1;
    switch ((enum wait)number_of(way)) {
    case DOWN:
        result = semaphore_down(&turnstile);
        break;
    case DOWN_FOR:
        result = semaphore_down_for(&turnstile, 1000 * SECOND);
        break;
    case SLEEP:
        result = thread_sleep(1000 * SECOND);
        break;
    case QUEUE:
        result = wait_queue_wait(&queue, never, NULL, 0);
        break;
    default:
        semaphore_down_uninterrupted(&turnstile);
        result = 0;
    }
    killed_seen = thread_killed();
    result_known = 1;
}

static void end_while_waiting(enum wait way, uint64_t delay)
{
    semaphore_init(&turnstile, 0);
    wait_queue_init(&queue);
    waiting = result_known = 0;

    uint32_t thread = start(wait_somehow, argument_of(way));
    AWAIT(waiting, 1);
    if (delay)
        thread_sleep(delay);
    EXPECT(thread_kill(thread) == 0);
    if (way == UNINTERRUPTED) {
        thread_sleep(5 * MILLISECOND);
        EXPECT(!result_known);
        semaphore_up(&turnstile);
    }
    AWAIT(result_known, 1);
    join(thread);
    EXPECT(result == (way == UNINTERRUPTED ? 0 : -EINTR));
    EXPECT(killed_seen);
    EXPECT(turnstile.count == 0);
    EXPECT(ring_is_empty(&turnstile.list.waiters) && ring_is_empty(&queue.list.waiters));
}

static void ends_cut_waits_short(void)
{
    for (enum wait way = DOWN; way < WAYS; way++) {
        end_while_waiting(way, 0);
        end_while_waiting(way, 3 * MILLISECOND);
    }
}

/* Exclusion: `inside` is who holds the mutex; the sum is lost if two add at once. */
static struct mutex mutex;
static volatile uint32_t inside, sum;

static void contend(void *mark)
{
    uint32_t me = (uint32_t)number_of(mark), seed = me * 7919;

    for (uint32_t i = rounds(1000); i > 0; i--) {
        mutex_lock(&mutex);
        EXPECT(inside == 0);
        inside = me;
        sum = sum + 1;
        if (random_next(&seed) % 64 == 0)
            thread_yield();
        EXPECT(inside == me);
        inside = 0;
        mutex_unlock(&mutex);
        if (random_next(&seed) % 16 == 0)
            thread_yield();
    }
}

static void mutex_excludes(void)
{
    uint32_t threads[8];

    mutex_init(&mutex);
    inside = sum = 0;
    for (uint32_t i = 0; i < 8; i++)
        threads[i] = start(contend, argument_of(i + 1));
    for (uint32_t i = 0; i < 8; i++)
        join(threads[i]);
    EXPECT(sum == 8 * rounds(1000));
    EXPECT(!mutex.holder && mutex.free.count == 1);
}

static volatile uint32_t in_use;

static void take_token(void *unused)
{
    (void)unused;
    for (uint32_t i = rounds(1000); i > 0; i--) {
        EXPECT(semaphore_down(&turnstile) == 0);
        EXPECT(__atomic_add_fetch(&in_use, 1, __ATOMIC_SEQ_CST) <= 3);
        if (i % 8 == 0)
            thread_yield();
        __atomic_fetch_sub(&in_use, 1, __ATOMIC_SEQ_CST);
        semaphore_up(&turnstile);
    }
}

static void semaphore_limits(void)
{
    uint32_t threads[8];

    semaphore_init(&turnstile, 3);
    in_use = 0;
    for (uint32_t i = 0; i < 8; i++)
        threads[i] = start(take_token, NULL);
    for (uint32_t i = 0; i < 8; i++)
        join(threads[i]);
    EXPECT(turnstile.count == 3 && ring_is_empty(&turnstile.list.waiters));
}

static bool is_set(void *flag)
{
    return *(volatile uint32_t *)flag;
}

static volatile uint32_t flag, woken;

static void wait_for_flag(void *unused)
{
    (void)unused;
    EXPECT(wait_queue_wait(&queue, is_set, (void *)&flag, 0) == 0);
    EXPECT(flag);
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
}

static void queue_wakes_all(void)
{
    uint32_t threads[WAITERS];
    uint64_t begin = clock_nanoseconds();

    wait_queue_init(&queue);
    flag = woken = 0;
    EXPECT(wait_queue_wait(&queue, is_set, (void *)&flag, 2 * MILLISECOND) == -ETIMEDOUT);
    EXPECT(clock_nanoseconds() - begin >= 2 * MILLISECOND);
    for (uint32_t i = 0; i < WAITERS; i++)
        threads[i] = start(wait_for_flag, NULL);
    thread_sleep(2 * MILLISECOND);
    wait_queue_wake(&queue); /* in vain: nothing has changed */
    thread_sleep(2 * MILLISECOND);
    EXPECT(woken == 0);
    flag = 1;
    wait_queue_wake(&queue);
    for (uint32_t i = 0; i < WAITERS; i++)
        join(threads[i]);
    EXPECT(woken == WAITERS);
    EXPECT(wait_queue_wait(&queue, is_set, (void *)&flag, 1) == 0);
    EXPECT(ring_is_empty(&queue.list.waiters));
}

static void run(void)
{
    run_case("semaphore: first come, first served", first_come_first_served);
    run_case("semaphore: counts what is given and taken", counts_what_is_given);
    run_case("semaphore: gives up after its time, not before, and has taken nothing", gives_up_after_its_time);
    run_case("an end that is asked for cuts every wait short but those that must not be", ends_cut_waits_short);
    run_case("mutex: one at a time under contention", mutex_excludes);
    run_case("semaphore: no more inside than it counts", semaphore_limits);
    run_case("wait queue: wakes all, in vain if the condition is false, gives up in time", queue_wakes_all);
}

TEST_MODULE("waiting", "tests of semaphores, mutexes and wait queues", run);
