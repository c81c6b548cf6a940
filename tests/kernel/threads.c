/*
 * threads.c - the life of threads: made, joined, detached, ended, many at once and many after each other.
 */
#include "cases.h"

static volatile uint32_t entered, number_inside;
static void *volatile argument_inside;

static void note(void *argument)
{
    argument_inside = argument;
    number_inside = thread_number();
    __atomic_fetch_add(&entered, 1, __ATOMIC_SEQ_CST);
}

static void is_made_and_joined(void)
{
    entered = 0;
    uint32_t thread = start(note, (void *)&entered);

    join(thread);
    EXPECT(entered == 1);
    EXPECT(argument_inside == &entered);
    EXPECT(number_inside == thread);
    EXPECT(thread_number() != thread);
    EXPECT(thread_join(thread) == -ESRCH);
    EXPECT(thread_kill(thread) == -ESRCH);
    EXPECT(thread_detach(thread) == -ESRCH);
}

static void has_own_number(void)
{
    uint32_t numbers[40];

    for (unsigned i = 0; i < 40; i++)
        numbers[i] = start(note, NULL);
    for (unsigned i = 0; i < 40; i++)
        for (unsigned j = 0; j < i; j++)
            EXPECT(numbers[i] != numbers[j]);
    for (unsigned i = 0; i < 40; i++)
        join(numbers[i]);
}

static void refuses_bad_options(void)
{
    struct thread_options heavy = {.weight = WEIGHT_MAX + 1}, first = {.priority = PRIORITY_MAX + 1};
    struct thread_options long_name = {.name = "a name that is much longer than there is room for in the table"};

    entered = 0;
    EXPECT(thread_create(&heavy, note, NULL) == -ERANGE);
    EXPECT(thread_create(&first, note, NULL) == -ERANGE);
    EXPECT(entered == 0);
    int number = thread_create(&long_name, note, NULL);
    EXPECT(number > 0);
    join((uint32_t)number);
    EXPECT(entered == 1);
}

static void leave_early(void *unused)
{
    (void)unused;
    entered = 1;
    thread_exit();
}

static void ends_itself(void)
{
    entered = 0;
    join(start(leave_early, NULL));
    EXPECT(entered == 1);
}

static void wait_for_end(void *unused)
{
    (void)unused;
    EXPECT(!thread_killed());
    entered = 1;
    while (!thread_killed())
        relax();
    EXPECT(thread_sleep(SECOND) == -EINTR);
}

static void sees_that_it_is_to_end(void)
{
    entered = 0;
    uint32_t thread = start(wait_for_end, NULL);

    AWAIT(entered, 1);
    EXPECT(thread_kill(thread) == 0);
    EXPECT(thread_kill(thread) == 0 || thread_kill(thread) == -ESRCH);
    join(thread);
}

/* One that joins another and is itself to end. */
static volatile uint32_t joining;
static int joined;

static void join_other(void *number)
{
    joining = 1;
    joined = thread_join((uint32_t)number_of(number));
}

static void joiner_may_be_ended(void)
{
    entered = joining = 0;
    uint32_t thread = start(wait_for_end, NULL);
    uint32_t joiner = start(join_other, argument_of(thread));

    AWAIT(entered, 1);
    AWAIT(joining, 1);
    thread_sleep(2 * MILLISECOND);
    EXPECT(thread_join(thread) == -ESRCH); /* somebody does already */
    EXPECT(thread_kill(joiner) == 0);
    join(joiner);
    EXPECT(joined == -EINTR);
    EXPECT(thread_kill(thread) == 0);
    join(thread);
}

/* Detached before, while and after they end: all are forgotten, which `check` and the count of threads show. */
static void detached_ones_are_forgotten(void)
{
    uint32_t seed = 17, last = 0;

    entered = 0;
    for (uint32_t i = 0; i < rounds(4000); i++) {
        uint32_t thread = start(note, NULL);

        for (volatile uint32_t wait = random_next(&seed) % 400; wait > 0; wait--)
            relax();
        EXPECT(thread_detach(thread) == 0);
        EXPECT(thread_detach(thread) == -ESRCH);
        last = thread;
    }
    AWAIT(entered, rounds(4000));
    thread_sleep(5 * MILLISECOND);
    EXPECT(thread_set_weight(last, WEIGHT_DEFAULT) == -ESRCH);
}

static void end_at_once(void *unused)
{
    (void)unused;
}

static void create_and_join(void *unused)
{
    (void)unused;
    for (uint32_t i = rounds(2500); i > 0; i--)
        join(start(end_at_once, NULL));
}

static void ten_thousand_lives(void)
{
    uint32_t threads[4];

    for (unsigned i = 0; i < 4; i++)
        threads[i] = start(create_and_join, NULL);
    for (unsigned i = 0; i < 4; i++)
        join(threads[i]);
}

#define AT_ONCE 2000

static struct semaphore door;
static uint32_t crowd[AT_ONCE];

static void wait_at_door(void *unused)
{
    (void)unused;
    EXPECT(semaphore_down(&door) == 0);
    __atomic_fetch_add(&entered, 1, __ATOMIC_SEQ_CST);
}

static void two_thousand_at_once(void)
{
    semaphore_init(&door, 0);
    entered = 0;
    for (unsigned i = 0; i < AT_ONCE; i++)
        crowd[i] = start(wait_at_door, NULL);
    EXPECT(entered == 0);
    for (unsigned i = 0; i < AT_ONCE; i++)
        semaphore_up(&door);
    for (unsigned i = 0; i < AT_ONCE; i++)
        join(crowd[i]);
    EXPECT(entered == AT_ONCE && door.count == 0);
}

static volatile uint32_t turns[3];

static void count_turns(void *argument)
{
    for (uint32_t i = 0; i < 3000; i++) {
        turns[number_of(argument)] = i + 1;
        thread_yield();
    }
}

/* On one CPU, none that yields gets far ahead of the others. */
static void yields_in_turn(void)
{
    uint32_t threads[3];
    bool together = true;

    turns[0] = turns[1] = turns[2] = 0;
    for (unsigned i = 0; i < 3; i++)
        threads[i] = start_on(1, count_turns, argument_of(i));
    while (turns[0] < 3000 && turns[1] < 3000 && turns[2] < 3000) {
        if (turns[0] > 100 && (!turns[1] || !turns[2]))
            together = false;
        thread_yield();
    }
    EXPECT(together);
    for (unsigned i = 0; i < 3; i++)
        join(threads[i]);
    EXPECT(turns[0] == 3000 && turns[1] == 3000 && turns[2] == 3000);
}

/* The registers that a function keeps for its caller hold across a yield, whoever runs meanwhile. */
static void keep_registers(void *argument)
{
    uint64_t mark = number_of(argument) * 0x0101010101010101, kept[5];

    for (uint32_t i = 0; i < 1000; i++) {
        __asm__ volatile("push %%rbx; push %%r12; push %%r13; push %%r14; push %%r15; push %%rbp; mov %%rsp, %%rbp\n\t"
                         "mov %5, %%rbx; mov %5, %%r12; mov %5, %%r13; mov %5, %%r14; mov %5, %%r15\n\t"
                         "and $-16, %%rsp; call thread_yield; mov %%rbp, %%rsp\n\t"
                         "mov %%rbx, %%rax; mov %%r12, %%rcx; mov %%r13, %%rdx; mov %%r14, %%rsi; mov %%r15, %%rdi\n\t"
                         "pop %%rbp; pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbx"
                         : "=&a"(kept[0]), "=&c"(kept[1]), "=&d"(kept[2]), "=&S"(kept[3]), "=&D"(kept[4])
                         : "r"(mark)
                         : "r8", "r9", "r10", "r11", "memory", "cc");
        for (unsigned j = 0; j < 5; j++)
            EXPECT(kept[j] == mark);
    }
}

static void yield_keeps_registers(void)
{
    uint32_t threads[4];

    for (uint32_t i = 0; i < 4; i++)
        threads[i] = start(keep_registers, argument_of(i + 1));
    for (uint32_t i = 0; i < 4; i++)
        join(threads[i]);
}

static void run(void)
{
    run_case("made, run, joined, forgotten", is_made_and_joined);
    run_case("each has a number of its own", has_own_number);
    run_case("bad options are refused, a long name is cut", refuses_bad_options);
    run_case("one ends itself", ends_itself);
    run_case("one sees that it is to end", sees_that_it_is_to_end);
    run_case("one that joins may be ended; the other is joined later", joiner_may_be_ended);
    run_case("yield: one after the other", yields_in_turn);
    run_case("yield: the caller's registers are kept", yield_keeps_registers);
    run_case("detached before, while and after they end, all are forgotten", detached_ones_are_forgotten);
    run_case("10,000 made and joined, four at a time", ten_thousand_lives);
    run_case("2,000 at once", two_thousand_at_once);
}

TEST_MODULE("threads", "tests of the life of threads", run);
