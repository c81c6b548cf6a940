/*
 * vector.c - vector and floating-point registers: kept for each thread that asked, across every way of being switched.
 *
 * Module code is compiled without these registers, so only the assembly here touches them.
 */
#include "cases.h"

#define USERS 6
#define REGISTERS 16

/* What is put into XMM0 to XMM15, and what is found there later. */
struct registers {
    uint64_t halves[REGISTERS][2];
} __attribute__((aligned(16)));

static void load(const struct registers *from)
{
    __asm__ volatile("movaps 0x00(%0), %%xmm0; movaps 0x10(%0), %%xmm1; movaps 0x20(%0), %%xmm2\n\t"
                     "movaps 0x30(%0), %%xmm3; movaps 0x40(%0), %%xmm4; movaps 0x50(%0), %%xmm5\n\t"
                     "movaps 0x60(%0), %%xmm6; movaps 0x70(%0), %%xmm7; movaps 0x80(%0), %%xmm8\n\t"
                     "movaps 0x90(%0), %%xmm9; movaps 0xa0(%0), %%xmm10; movaps 0xb0(%0), %%xmm11\n\t"
                     "movaps 0xc0(%0), %%xmm12; movaps 0xd0(%0), %%xmm13; movaps 0xe0(%0), %%xmm14\n\t"
                     "movaps 0xf0(%0), %%xmm15" ::"r"(from->halves)
                     : "memory");
}

static void store(struct registers *to)
{
    __asm__ volatile("movaps %%xmm0, 0x00(%0); movaps %%xmm1, 0x10(%0); movaps %%xmm2, 0x20(%0)\n\t"
                     "movaps %%xmm3, 0x30(%0); movaps %%xmm4, 0x40(%0); movaps %%xmm5, 0x50(%0)\n\t"
                     "movaps %%xmm6, 0x60(%0); movaps %%xmm7, 0x70(%0); movaps %%xmm8, 0x80(%0)\n\t"
                     "movaps %%xmm9, 0x90(%0); movaps %%xmm10, 0xa0(%0); movaps %%xmm11, 0xb0(%0)\n\t"
                     "movaps %%xmm12, 0xc0(%0); movaps %%xmm13, 0xd0(%0); movaps %%xmm14, 0xe0(%0)\n\t"
                     "movaps %%xmm15, 0xf0(%0)" ::"r"(to->halves)
                     : "memory");
}

/* Whether all registers are still those of `mark`. */
static bool are_marked(uint64_t mark)
{
    struct registers found;
    bool right = true;

    store(&found);
    for (unsigned i = 0; i < REGISTERS; i++)
        right &= found.halves[i][0] == mark + i && found.halves[i][1] == ~mark - i;
    return right;
}

static void mark_all(uint64_t mark)
{
    struct registers wanted;

    for (unsigned i = 0; i < REGISTERS; i++) {
        wanted.halves[i][0] = mark + i;
        wanted.halves[i][1] = ~mark - i;
    }
    load(&wanted);
}

static uint32_t control_word(void)
{
    uint32_t control;

    __asm__ volatile("stmxcsr %0" : "=m"(control));
    return control;
}

static struct semaphore shared;

/* One of the ways in which a thread stops running. */
static void be_switched(uint32_t way)
{
    switch (way % 5) {
    case 0:
        thread_yield();
        break;
    case 1:
        thread_sleep(20 * MICROSECOND);
        break;
    case 2:
        spin_for(1500 * MICROSECOND); /* longer than a tick: others take the CPU */
        break;
    case 3:
        semaphore_down(&shared);
        thread_yield();
        semaphore_up(&shared);
        break;
    default:
        thread_set_affinity(thread_number(), way % 10 < 5 ? 1 : ALL_CPUS);
    }
}

static void use_registers(void *argument)
{
    uint32_t seed = (uint32_t)number_of(argument), rounding = (seed % 4) << 13, control = control_word();
    uint64_t mark = number_of(argument) * 0x123456789abcdefull;

    control = (control & ~(3u << 13)) | rounding;
    __asm__ volatile("ldmxcsr %0" ::"m"(control));
    mark_all(mark);
    for (uint32_t i = rounds(600); i > 0; i--) {
        be_switched(random_next(&seed));
        EXPECT(are_marked(mark));
        EXPECT(control_word() == control);
        if (i % 8 == 0)
            mark_all(mark += 1ull << 32);
    }
}

static bool are_clear(void)
{
    struct registers found;
    uint64_t all = 0;

    store(&found);
    for (unsigned i = 0; i < REGISTERS; i++)
        all |= found.halves[i][0] | found.halves[i][1];
    return all == 0;
}

static void begin_clear(void *unused)
{
    (void)unused;
    EXPECT(are_clear());
    EXPECT(control_word() == 0x1f80);
    mark_all(~0ull);
}

static uint32_t start_with_registers(void (*entry)(void *argument), void *argument)
{
    struct thread_options options = {.name = "vector", .fpu = true};
    int number = thread_create(&options, entry, argument);

    EXPECT(number > 0);
    return number > 0 ? (uint32_t)number : 0;
}

static volatile bool over;

static void go_without(void *unused)
{
    (void)unused;
    while (!over)
        thread_yield();
}

static void are_kept(void)
{
    uint32_t users[USERS], others[2];

    semaphore_init(&shared, 2);
    over = false;
    for (unsigned i = 0; i < 2; i++)
        others[i] = start(go_without, NULL);
    for (uint32_t i = 0; i < USERS; i++)
        users[i] = start_with_registers(use_registers, argument_of(i + 1));
    for (uint32_t i = 0; i < USERS; i++)
        join(users[i]);
    over = true;
    for (unsigned i = 0; i < 2; i++)
        join(others[i]);
}

static void are_fresh(void)
{
    for (uint32_t i = rounds(500); i > 0; i--)
        join(start_with_registers(begin_clear, NULL));
}

static void run(void)
{
    run_case("a new thread's registers are clear, whoever used them before", are_fresh);
    run_case("each thread keeps its own however it is switched and wherever it runs", are_kept);
}

TEST_MODULE("vector", "tests of the vector registers", run);
