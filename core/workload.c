/*
 * workload.c - the workloads: how many of which threads are started, all or none; and their end.
 *
 * Entry points: workload_start(), workload_end_all(). Concurrency: several threads may start workloads at once.
 */
#include "core/workload.h"
#include "core/heap.h"
#include "core/thread.h"
#include "core/workload_threads.h"
#include <string.h>

#define PERIOD_DEFAULT 10000000ull  /* nanoseconds */
#define END_POLL 1000000ull         /* nanoseconds between looks whether all have ended */
#define END_POLL_THREADS 500        /* for so many that are left, once more as long */
#define END_PATIENCE 60000000000ull /* how long workload_end_all() waits */

/* A workload repeats its pattern of roles; PONG always follows its PING. */
static const struct kind {
    const char *name;
    unsigned threads; /* that one of its count is */
    unsigned length;  /* of the pattern */
    enum role pattern[10];
} kinds[] = {
    {"spin", 1, 1, {ROLE_SPIN}},
    {"yield", 1, 1, {ROLE_YIELD}},
    {"pingpong", 2, 2, {ROLE_PING, ROLE_PONG}},
    {"sleep", 1, 1, {ROLE_SLEEP}},
    {"alloc", 1, 1, {ROLE_ALLOC}},
    {"mix",
     1,
     10,
     {ROLE_SPIN, ROLE_SLEEP, ROLE_PING, ROLE_PONG, ROLE_YIELD, ROLE_SLEEP, ROLE_PARENT, ROLE_SPIN, ROLE_SLEEP,
      ROLE_YIELD}},
};

#define KINDS (sizeof kinds / sizeof *kinds)

const char *workload_name(unsigned index)
{
    return index < KINDS ? kinds[index].name : NULL;
}

/* One start under way. */
struct start {
    const struct workload_options *options;
    struct bond *bond; /* of the PING just made, for its PONG; NULL when that has it */
    uint32_t *numbers; /* of the threads made so far */
    uint32_t made;
};

/* What the thread of that role is made with; NULL: no memory. */
static struct task *make_task(struct start *start, enum role role)
{
    uint64_t period = start->options->period;
    struct task *task = heap_alloc(sizeof *task);

    if (!task)
        return NULL;
    *task = (struct task){.period = period ? period : PERIOD_DEFAULT, .side = role == ROLE_PONG};
    if (role == ROLE_PONG) {
        task->bond = start->bond;
        start->bond = NULL;
    } else if (role == ROLE_PING || role == ROLE_PARENT) {
        if (!(task->bond = bond_create(role == ROLE_PING))) {
            heap_free(task);
            return NULL;
        }
        start->bond = role == ROLE_PING ? task->bond : NULL;
    }
    return task;
}

/* Makes one thread, which is not detached yet. */
static int start_thread(struct start *start, enum role role)
{
    const struct workload_options *options = start->options;
    const struct thread_options thread = {
        .name = options->name ? options->name : workload_roles[role].name,
        .weight = options->weight,
        .priority = options->priority,
        .affinity = options->affinity,
        .workload = true,
    };
    struct task *task = make_task(start, role);

    if (!task)
        return -ENOMEM;
    int number = thread_create(&thread, workload_roles[role].entry, task);
    if (number < 0) {
        if (task->bond)
            bond_put(task->bond);
        heap_free(task);
        return number;
    }
    start->numbers[start->made++] = (uint32_t)number;
    return 0;
}

/* Ends those that were made, and waits for them. */
static void take_back(struct start *start)
{
    if (start->bond)
        bond_put(start->bond); /* for the partner that there will not be */
    for (uint32_t i = 0; i < start->made; i++)
        thread_kill(start->numbers[i]);
    for (uint32_t i = 0; i < start->made; i++)
        thread_join(start->numbers[i]);
}

static void let_go(struct start *start, struct workload_result *result)
{
    *result = (struct workload_result){.first = UINT32_MAX, .count = start->made};
    for (uint32_t i = 0; i < start->made; i++) {
        uint32_t number = start->numbers[i];

        if (number < result->first)
            result->first = number;
        if (number > result->last)
            result->last = number;
        thread_detach(number);
    }
}

static int start_threads(struct start *start, const struct kind *kind, uint32_t threads)
{
    for (uint32_t i = 0; i < threads; i++) {
        enum role role = kind->pattern[i % kind->length];

        if (role == ROLE_PING && i + 1 == threads)
            role = ROLE_SLEEP; /* there is no room for its partner */
        int error = start_thread(start, role);
        if (error)
            return error;
    }
    return 0;
}

int workload_start(const struct workload_options *options, struct workload_result *result, struct failure *why)
{
    struct start start = {.options = options};
    const struct kind *kind = NULL;

    for (unsigned i = 0; i < KINDS; i++) {
        if (!strcmp(kinds[i].name, options->kind))
            kind = &kinds[i];
    }
    if (!kind)
        return fail(why, -ENOENT, "there is no workload '%.64s'; there are spin, yield, pingpong, sleep, alloc, mix",
                    options->kind);

    uint32_t threads = options->count * kind->threads;
    if (!(start.numbers = heap_alloc(threads * sizeof *start.numbers)))
        return fail(why, -ENOMEM, "there is no memory for the numbers of %u threads; ask for fewer", threads);
    int error = start_threads(&start, kind, threads);
    if (error) {
        take_back(&start);
        fail(why, error, "only %u of %u threads could be made, and were ended again: %s", start.made, threads,
             error_sentence(error));
    } else {
        let_go(&start, result);
    }
    heap_free(start.numbers);
    return error;
}

/* Collects the numbers of the workload threads that there are. */
struct collection {
    uint32_t *numbers; /* NULL: only counts */
    uint32_t count, capacity;
};

static bool collect(struct thread *thread, void *argument)
{
    struct collection *collection = argument;

    if (!thread->workload)
        return true;
    if (collection->numbers && collection->count < collection->capacity)
        collection->numbers[collection->count] = thread->facts.thread;
    collection->count++;
    return true;
}

/*
 * Kills those there are, however many have come since they were counted: the next pass gets the others. Returns how
 * many there are.
 */
static int kill_present(void)
{
    struct collection collection = {0};

    threads_visit(collect, &collection);
    if (!collection.count)
        return 0;
    collection.capacity = collection.count;
    collection.count = 0;
    if (!(collection.numbers = heap_alloc(collection.capacity * sizeof *collection.numbers)))
        return -ENOMEM;
    threads_visit(collect, &collection);
    for (uint32_t i = 0; i < collection.count && i < collection.capacity; i++)
        thread_kill(collection.numbers[i]);
    heap_free(collection.numbers);
    return (int)collection.count;
}

int workload_end_all(void)
{
    uint64_t patience = clock_nanoseconds() + END_PATIENCE;
    int first = kill_present(), left = first;

    while (left > 0) {
        int before = left;
        if (clock_nanoseconds() > patience)
            return -ETIMEDOUT;
        thread_sleep(END_POLL * (1 + (uint64_t)left / END_POLL_THREADS));
        left = kill_present();
        if (left < before)
            patience = clock_nanoseconds() + END_PATIENCE;
    }
    return left < 0 ? left : first;
}
