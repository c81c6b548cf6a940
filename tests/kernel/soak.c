/*
 * soak.c - threads of every habit that keep accounts while something else happens, such as swaps of the scheduler.
 *
 * `insmod test-soak` starts them and answers at once. `insmod test-soak-end` (soak-end.c, which links to this module)
 * has them stop, and the accounts are compared.
 */
#include "cases.h"

#define PAIRS 4
#define RUNNERS 4
#define SLEEPERS 6

void soak_finish(void);

static volatile bool over;
static uint32_t threads[2 * PAIRS + 2 * RUNNERS + SLEEPERS + 2];
static unsigned thread_count;

/* Ping-pong: what one side gives the other takes. */
static struct semaphore sides[PAIRS][2];
static volatile uint32_t strokes[PAIRS][2];

static void play(void *argument)
{
    uint64_t pair = number_of(argument) / 2, side = number_of(argument) % 2;

    while (semaphore_down(&sides[pair][side]) == 0 && !over) {
        strokes[pair][side] = strokes[pair][side] + 1;
        semaphore_up(&sides[pair][!side]);
    }
    semaphore_up(&sides[pair][!side]);
}

/* Each adds under the mutex; the sum is what all have counted for themselves. */
static struct mutex mutex;
static volatile uint64_t sum, own[RUNNERS];

static void add_up(void *argument)
{
    while (!over) {
        mutex_lock(&mutex);
        sum = sum + 1;
        mutex_unlock(&mutex);
        own[number_of(argument)] = own[number_of(argument)] + 1;
        if (own[number_of(argument)] % 32 == 0)
            thread_sleep(50 * MICROSECOND);
    }
}

static volatile uint64_t turns[RUNNERS];

static void stay_on_one_cpu(void *argument)
{
    unsigned cpu = cpu_seen();

    EXPECT(thread_set_affinity(thread_number(), 1ull << cpu) == 0);
    while (!over) {
        EXPECT(cpu_seen() == cpu);
        turns[number_of(argument)] = turns[number_of(argument)] + 1;
        thread_yield();
    }
}

static volatile uint64_t naps[SLEEPERS];

static void nap(void *argument)
{
    uint32_t seed = (uint32_t)number_of(argument) + 1;

    while (!over) {
        uint64_t length = random_next(&seed) % (2 * MILLISECOND), begin = clock_nanoseconds();

        EXPECT(thread_sleep(length) == 0);
        EXPECT(clock_nanoseconds() - begin >= length);
        naps[number_of(argument)] = naps[number_of(argument)] + 1;
    }
}

static volatile uint32_t born, died;

static void live_shortly(void *unused)
{
    (void)unused;
    thread_yield();
    __atomic_fetch_add(&died, 1, __ATOMIC_SEQ_CST);
}

static void breed(void *unused)
{
    (void)unused;
    while (!over) {
        uint32_t child = start(live_shortly, NULL);

        born = born + 1;
        join(child);
        thread_sleep(100 * MICROSECOND);
    }
}

/* It has ended long before anyone joins it. */
static void end_at_once(void *unused)
{
    (void)unused;
}

static void add(void (*entry)(void *argument), uint64_t number)
{
    threads[thread_count++] = start(entry, argument_of(number));
}

static __attribute__((constructor)) void begin(void)
{
    cases.module = "soak";
    mutex_init(&mutex);
    for (unsigned i = 0; i < PAIRS; i++) {
        semaphore_init(&sides[i][0], 1);
        semaphore_init(&sides[i][1], 0);
    }
    add(end_at_once, 0);
    for (unsigned i = 0; i < 2 * PAIRS; i++)
        add(play, i);
    for (unsigned i = 0; i < RUNNERS; i++) {
        add(add_up, i);
        add(stay_on_one_cpu, i);
    }
    for (unsigned i = 0; i < SLEEPERS; i++)
        add(nap, i);
    add(breed, 0);
}

static void compare_accounts(void)
{
    uint64_t counted = 0;

    for (unsigned i = 0; i < PAIRS; i++) {
        uint32_t ahead = strokes[i][0] - strokes[i][1];

        EXPECT(ahead <= 1 || ahead == ~0u);
        EXPECT(strokes[i][0] > 0);
    }
    for (unsigned i = 0; i < RUNNERS; i++) {
        counted += own[i];
        EXPECT(own[i] > 0);
        EXPECT(turns[i] > 0);
    }
    EXPECT(counted == sum);
    for (unsigned i = 0; i < SLEEPERS; i++)
        EXPECT(naps[i] > 0);
    EXPECT(born > 0 && born == died);
}

/* Ends all threads, compares the accounts, and says so in the log. Context: a thread. */
void soak_finish(void)
{
    over = true;
    for (unsigned i = 0; i < thread_count; i++)
        join(threads[i]);
    compare_accounts();
    log_line("test-soak: %sok 1 threads of every habit lost nothing", cases.complaints ? "not " : "");
    log_line("test-soak: done 1");
}
EXPORT_SYMBOL(soak_finish);

MODULE("test-soak", "1.0", "threads that keep accounts until test-soak-end");
