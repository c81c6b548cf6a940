/* sources: core/lock.c tests/hosted/machine/cpu.c */
/*
 * lock.c - spin locks: who has one, what waits for it, and who may not.
 */
#include "core/lock.h"
#include "machine/cpu.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OTHER 7 /* lock words of CPUs that are not this one */

static void test_word_names_the_owner(void **unused)
{
    (void)unused;
    struct spinlock lock = {0};

    machine_cpu_start();
    unsigned long flags = spin_lock_save(&lock);
    assert_false(machine_interrupts);
    assert_int_equal(lock.owner, 1);
    assert_false(spin_try(&lock));
    unsigned long inner = arch_interrupts_save();
    arch_interrupts_restore(inner);
    assert_false(machine_interrupts);
    spin_unlock_restore(&lock, flags);
    assert_true(machine_interrupts);
    assert_int_equal(lock.owner, 0);
    assert_true(spin_try(&lock));
    assert_int_equal(lock.owner, 1);
    spin_unlock(&lock);
}

static void *release_later(void *lock)
{
    usleep(20000);
    spin_unlock(lock);
    return NULL;
}

static void test_waits_for_another(void **unused)
{
    (void)unused;
    struct spinlock lock = {.owner = OTHER};
    pthread_t other;

    assert_int_equal(pthread_create(&other, NULL, release_later, &lock), 0);
    spin_lock_slow(&lock, 1);
    assert_int_equal(lock.owner, 1);
    pthread_join(other, NULL);
}

static void take_again(void *lock)
{
    spin_lock_slow(lock, ((struct spinlock *)lock)->owner);
}

static void test_refuses_recursion(void **unused)
{
    (void)unused;
    struct spinlock lock = {.owner = OTHER};
    const char *said = machine_panic_in(take_again, &lock);

    assert_non_null(said);
    assert_non_null(strstr(said, "CPU 6"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_word_names_the_owner),
        cmocka_unit_test(test_waits_for_another),
        cmocka_unit_test(test_refuses_recursion),
    };
    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
