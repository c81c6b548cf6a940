/*
 * cases.h - what the kernel's test modules have in common: cases, what they expect, and threads to run them with.
 *
 * A test module test-NAME ends with TEST_MODULE(NAME, summary, cases). Its constructor, which insmod calls, starts an
 * ordinary thread that runs the cases and waits for it: the answer to `insmod test-NAME` comes when all is over, after
 * the log's lines
 *   test-NAME: ok 1 what the case shows        (or `not ok`, with `test-NAME: # line N: …` before it)
 *   test-NAME: done 1
 *
 * Any thread of a case may call EXPECT(); cases themselves run one after the other.
 */
#ifndef TESTS_KERNEL_CASES_H
#define TESTS_KERNEL_CASES_H

#include <moult/errors.h>
#include <moult/module.h>
#include <moult/sched.h>
#include <moult/thread.h>

#define MICROSECOND 1000ull
#define MILLISECOND 1000000ull
#define SECOND 1000000000ull

#define ALL_CPUS (~0ull)
#define COMPLAINTS_MAX 8 /* shown for one case */

/* One module's run. `complaints` is counted by any thread, the rest belongs to the thread that runs the cases. */
static struct {
    const char *module;
    unsigned number;
    uint32_t complaints;
} cases;

static inline void expect_that(bool holds, unsigned line, const char *what)
{
    if (!holds && __atomic_fetch_add(&cases.complaints, 1, __ATOMIC_RELAXED) < COMPLAINTS_MAX)
        log_line("test-%s: # line %u: %s", cases.module, line, what);
}
#define EXPECT(condition) expect_that(condition, __LINE__, #condition)

static inline void run_case(const char *what, void (*run)(void))
{
    cases.complaints = 0;
    run();
    log_line("test-%s: %sok %u %s", cases.module, cases.complaints ? "not " : "", ++cases.number, what);
}

/* Waits until `value` has reached `least`; gives up, complaining, after some seconds. */
static inline void await_line(const volatile uint32_t *value, uint32_t least, unsigned line)
{
    uint64_t end = clock_nanoseconds() + 20 * SECOND;

    while (*value < least && clock_nanoseconds() < end)
        thread_sleep(100 * MICROSECOND);
    expect_that(*value >= least, line, "what was waited for did not come");
}
#define AWAIT(value, least) await_line(&(value), least, __LINE__)

/* Starts a thread on the CPUs of `affinity`; 0, with a complaint, if it cannot be made. */
static inline uint32_t start_on(uint64_t affinity, void (*entry)(void *argument), void *argument)
{
    struct thread_options options = {.name = cases.module, .affinity = affinity};
    int number = thread_create(&options, entry, argument);

    EXPECT(number > 0);
    return number > 0 ? (uint32_t)number : 0;
}

static inline uint32_t start(void (*entry)(void *argument), void *argument)
{
    return start_on(0, entry, argument);
}

static inline void join(uint32_t number)
{
    EXPECT(thread_join(number) == 0);
}

/* A number as a thread's argument, and back. */
static inline void *argument_of(uint64_t number)
{
    return (void *)number;
}

static inline uint64_t number_of(const void *argument)
{
    return (uint64_t)argument;
}

/*
 * The CPU that runs this, from the CPU itself (its initial APIC id, SDM volume 2, CPUID leaf 1), not from what the core
 * believes. The emulators' ids are the kernel's indices.
 */
static inline unsigned cpu_seen(void)
{
    uint32_t leaf = 1, identity, sub = 0;

    __asm__ volatile("cpuid" : "+a"(leaf), "=b"(identity), "+c"(sub)::"edx", "memory");
    return identity >> 24;
}

/* How many CPUs there are: an affinity without one that is online is refused. */
static inline unsigned cpus_online(void)
{
    unsigned count = 0;

    while (count < 64 && thread_set_affinity(thread_number(), 1ull << count) == 0)
        count++;
    thread_set_affinity(thread_number(), ALL_CPUS);
    return count;
}

/* `most` rounds where the machine is fast, a tenth where an emulator interprets each instruction. */
static inline uint32_t rounds(uint32_t most)
{
    return sched_clock_hz < 500000000 ? most / 10 : most;
}

/* A number that looks random, from a seed that belongs to the caller (Marsaglia's xorshift32). */
static inline uint32_t random_next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static inline void relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* Keeps the CPU busy for about that long. */
static inline void spin_for(uint64_t nanoseconds)
{
    uint64_t end = clock_nanoseconds() + nanoseconds;

    while (clock_nanoseconds() < end)
        relax();
}

#define TEST_MODULE(name_, summary_, run_)                 \
    static void run_cases(void *unused)                    \
    {                                                      \
        (void)unused;                                      \
        run_();                                            \
        log_line("test-" name_ ": done %u", cases.number); \
    }                                                      \
    static __attribute__((constructor)) void begin(void)   \
    {                                                      \
        cases.module = name_;                              \
        join(start(run_cases, NULL));                      \
    }                                                      \
    MODULE("test-" name_, "1.0", summary_)

#endif
