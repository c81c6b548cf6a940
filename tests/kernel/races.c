/*
 * races.c - a thread that two wake at once: no wake-up is lost, and none reaches a later wait.
 *
 * What a wait returns must be true, whatever happens on other CPUs meanwhile: nothing is taken that was not given, and
 * a wait that cannot be cut short is not. Each case has one side that waits for one thing and at once for the next, and
 * others that give, time out and kill at the same moment; at the end the accounts must agree.
 */
#include "cases.h"

#define PAIRS 3

static volatile bool over;

/* One that waits: `wanted` with a short limit, and after it `gate`, which opens late and must not be passed before. */
struct waiter {
    struct semaphore wanted, gate;
    volatile uint32_t given, taken, opened, passed;
    uint32_t seed;
};
static struct waiter waiters[PAIRS];

static void take_and_pass(void *argument)
{
    struct waiter *self = argument;

    while (!over) {
        int result = semaphore_down_for(&self->wanted, random_next(&self->seed) % (20 * MICROSECOND));
        EXPECT(result == 0 || result == -ETIMEDOUT);
        if (result == 0)
            self->taken++;
        semaphore_down_uninterrupted(&self->gate);
        self->passed++;
        EXPECT(self->passed <= self->opened);
    }
}

static void give_and_open(void *argument)
{
    struct waiter *self = argument;
    uint32_t seed = self->seed * 31;

    for (uint32_t i = rounds(10000); i > 0; i--) {
        spin_for(random_next(&seed) % (10 * MICROSECOND));
        self->given++;
        semaphore_up(&self->wanted);
        spin_for(random_next(&seed) % (10 * MICROSECOND));
        if (self->opened == self->passed) {
            self->opened++;
            semaphore_up(&self->gate);
        }
    }
}

/* Lets those that wait at their gates go, now that it is over. */
static void release(struct waiter *waiter)
{
    waiter->opened++;
    semaphore_up(&waiter->gate);
}

static void time_out_against_giving(void)
{
    uint32_t takers[PAIRS], givers[PAIRS];

    over = false;
    for (unsigned i = 0; i < PAIRS; i++) {
        waiters[i] = (struct waiter){.seed = 77 + i};
        semaphore_init(&waiters[i].wanted, 0);
        semaphore_init(&waiters[i].gate, 0);
        takers[i] = start(take_and_pass, &waiters[i]);
        givers[i] = start(give_and_open, &waiters[i]);
    }
    for (unsigned i = 0; i < PAIRS; i++)
        join(givers[i]);
    over = true;
    for (unsigned i = 0; i < PAIRS; i++) {
        release(&waiters[i]);
        join(takers[i]);
        EXPECT(waiters[i].given == waiters[i].taken + waiters[i].wanted.count);
        EXPECT(waiters[i].opened == waiters[i].passed + waiters[i].gate.count);
    }
}

/* A victim is woken from a wait that can be cut short, and stands in one that cannot when the kill arrives. */
struct victim {
    struct semaphore first, second;
    volatile uint32_t ready, opened, ended;
};
static struct victim victim;

static void be_killed(void *unused)
{
    (void)unused;
    victim.ready = 1;
    int result = semaphore_down(&victim.first);
    EXPECT(result == 0 || result == -EINTR);
    semaphore_down_uninterrupted(&victim.second);
    EXPECT(victim.opened);
    victim.ended = 1;
}

static void give_first(void *unused)
{
    (void)unused;
    semaphore_up(&victim.first);
}

static void kill_against_giving(void)
{
    uint32_t seed = 4711;

    for (uint32_t i = rounds(600); i > 0; i--) {
        victim = (struct victim){0};
        semaphore_init(&victim.first, 0);
        semaphore_init(&victim.second, 0);
        uint32_t thread = start(be_killed, NULL);
        while (!victim.ready)
            thread_yield();
        uint32_t giver = start(give_first, NULL);
        spin_for(random_next(&seed) % (10 * MICROSECOND));
        EXPECT(thread_kill(thread) == 0);
        spin_for(random_next(&seed) % (10 * MICROSECOND));
        EXPECT(!victim.ended);
        victim.opened = 1;
        semaphore_up(&victim.second);
        join(giver);
        join(thread);
        EXPECT(victim.second.count == 0 && ring_is_empty(&victim.second.list.waiters));
    }
}

/* Pairs of threads take turns, 100,000 times in all; a wake-up that is lost stops a pair. */
#define TURNS 25000

struct pair {
    struct wait_queue places[2];
    volatile uint32_t turn;
};
static struct pair pairs[PAIRS + 1];

/* One of a pair: where it waits, and whose turn it is then. */
struct player {
    struct pair *pair;
    uint32_t side;
};
static struct player players[PAIRS + 1][2];

static bool my_turn(void *argument)
{
    const struct player *self = argument;
    return self->pair->turn % 2 == self->side;
}

static void take_turns(void *argument)
{
    struct player *self = argument;
    struct pair *pair = self->pair;

    for (uint32_t i = rounds(TURNS) / 2; i > 0; i--) {
        EXPECT(wait_queue_wait(&pair->places[self->side], my_turn, self, 0) == 0);
        pair->turn = pair->turn + 1;
        wait_queue_wake(&pair->places[!self->side]);
    }
}

static void no_lost_wake_up(void)
{
    uint32_t threads[PAIRS + 1][2];
    unsigned count = cpus_online();

    for (unsigned i = 0; i <= PAIRS; i++) {
        pairs[i].turn = 0;
        for (unsigned side = 0; side < 2; side++) {
            wait_queue_init(&pairs[i].places[side]);
            players[i][side] = (struct player){&pairs[i], side};
        }
    }
    for (unsigned i = 0; i <= PAIRS; i++)
        for (unsigned side = 0; side < 2; side++)
            threads[i][side] = start_on(1ull << (i + side) % count, take_turns, &players[i][side]);
    for (unsigned i = 0; i <= PAIRS; i++) {
        join(threads[i][0]);
        join(threads[i][1]);
        EXPECT(pairs[i].turn == rounds(TURNS));
        EXPECT(ring_is_empty(&pairs[i].places[0].list.waiters) && ring_is_empty(&pairs[i].places[1].list.waiters));
    }
}

/* Many that wait for a number to rise, with and without a limit, while others raise it. */
static struct wait_queue crowd;
static volatile uint32_t level;

struct wish {
    uint32_t level;
};

static bool has_risen(void *argument)
{
    const struct wish *wish = argument;
    return level >= wish->level;
}

static void follow_level(void *argument)
{
    struct wish wish = {0};
    uint32_t last = rounds(10000), seed = (uint32_t)number_of(argument);

    while (wish.level < last) {
        uint64_t limit = random_next(&seed) % 2 ? random_next(&seed) % (50 * MICROSECOND) : 0;

        wish.level = level + 1 < last ? level + 1 : last;
        int result = wait_queue_wait(&crowd, has_risen, &wish, limit);
        EXPECT(result == 0 || (limit && result == -ETIMEDOUT));
        EXPECT(result != 0 || level >= wish.level);
        if (result != 0)
            wish.level = 0;
    }
}

static void raise_level(void *unused)
{
    (void)unused;
    while (level < rounds(10000)) {
        level = level + 1;
        wait_queue_wake(&crowd);
        if (level % 4 == 0)
            thread_yield();
    }
}

static void crowd_follows(void)
{
    uint32_t threads[8];

    level = 0;
    wait_queue_init(&crowd);
    for (uint32_t i = 0; i < 8; i++)
        threads[i] = start(follow_level, argument_of(i + 1));
    uint32_t raiser = start(raise_level, NULL);
    join(raiser);
    for (uint32_t i = 0; i < 8; i++)
        join(threads[i]);
    EXPECT(ring_is_empty(&crowd.list.waiters));
}

static void run(void)
{
    run_case("a time-out and a gift at once: the accounts agree, and no later wait is cut short",
             time_out_against_giving);
    run_case("an end asked for and a gift at once: a wait that must not be cut short is not", kill_against_giving);
    run_case("wait queue: no wake-up is lost in turns between CPUs", no_lost_wake_up);
    run_case("wait queue: a crowd with and without limits follows", crowd_follows);
}

TEST_MODULE("races", "tests of wake-ups that meet", run);
