/*
 * many.c - as many threads as 2 GiB hold with ease: 100,000 that all live at once.
 */
#include "cases.h"

#define THREADS 100000

static struct semaphore door;
static volatile uint32_t passed;

static void wait_at_door(void *unused)
{
    (void)unused;
    EXPECT(semaphore_down(&door) == 0);
    __atomic_fetch_add(&passed, 1, __ATOMIC_SEQ_CST);
}

static void live_at_once(void)
{
    uint32_t *threads = heap_alloc(THREADS * sizeof(*threads)), count = 0;

    EXPECT(threads);
    if (!threads)
        return;
    semaphore_init(&door, 0);
    passed = 0;
    for (; count < THREADS && cases.complaints == 0; count++)
        threads[count] = start(wait_at_door, NULL);
    EXPECT(count == THREADS && passed == 0);
    for (uint32_t i = 0; i < count; i++)
        semaphore_up(&door);
    for (uint32_t i = 0; i < count; i++)
        join(threads[i]);
    EXPECT(passed == count);
    heap_free(threads);
}

static void run(void)
{
    run_case("100,000 threads live at once, and all end", live_at_once);
}

TEST_MODULE("many", "100,000 threads", run);
