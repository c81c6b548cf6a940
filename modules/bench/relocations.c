/*
 * relocations.c - the module with many relocations that `bench relocation` links: a table of 1,024 addresses.
 */
#include <moult/module.h>
#include <moult/thread.h>

#define FOUR(x) x, x, x, x
#define SIXTEEN(x) FOUR(x), FOUR(x), FOUR(x), FOUR(x)
#define SIXTY_FOUR(x) SIXTEEN(x), SIXTEEN(x), SIXTEEN(x), SIXTEEN(x)

/* Each entry is a relocation: against the kernel's symbols and against the module's own. */
const void *const bench_relocations_table[1024] = {
    SIXTY_FOUR((const void *)thread_yield),  SIXTY_FOUR((const void *)thread_sleep),
    SIXTY_FOUR((const void *)thread_create), SIXTY_FOUR((const void *)thread_join),
    SIXTY_FOUR((const void *)semaphore_up),  SIXTY_FOUR((const void *)semaphore_down),
    SIXTY_FOUR((const void *)mutex_lock),    SIXTY_FOUR((const void *)mutex_unlock),
    SIXTY_FOUR(&bench_relocations_table[1]), SIXTY_FOUR(&bench_relocations_table[2]),
    SIXTY_FOUR(&bench_relocations_table[3]), SIXTY_FOUR(&bench_relocations_table[4]),
    SIXTY_FOUR(&bench_relocations_table[5]), SIXTY_FOUR(&bench_relocations_table[6]),
    SIXTY_FOUR(&bench_relocations_table[7]), SIXTY_FOUR(&bench_relocations_table[8]),
};
EXPORT_SYMBOL(bench_relocations_table);

MODULE("bench-relocations", "1.0", "a module of many relocations for the benchmark of linking");
