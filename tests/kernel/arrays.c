/*
 * arrays.c - what runs when a module comes and goes: .init_array forwards, .fini_array backwards, by priority.
 *
 * The functions without a priority run in the order in which they stand (GNU ld's SORT_BY_INIT_PRIORITY has those with
 * one before them); at the end all in the opposite order. They run in the thread that asked, one after the other.
 */
#include <moult/module.h>
#include <moult/thread.h>

static unsigned initialised, finished = 4;
static bool in_order = true;

static void note_init(unsigned place)
{
    in_order &= initialised++ == place;
}

static void note_fini(unsigned place)
{
    in_order &= --finished == place;
}

static __attribute__((constructor)) void init_third(void)
{
    note_init(2);
}

static __attribute__((constructor)) void init_last(void)
{
    note_init(3);
    log_line("test-arrays: %sok 1 .init_array runs in order", in_order && initialised == 4 ? "" : "not ");
    log_line("test-arrays: done 1");
}

static __attribute__((constructor(102))) void init_second(void)
{
    note_init(1);
}

static __attribute__((constructor(101))) void init_first(void)
{
    note_init(0);
}

static __attribute__((destructor(101))) void fini_last(void)
{
    note_fini(0);
    log_line("test-arrays: %sok 2 .fini_array runs in the opposite order", in_order && finished == 0 ? "" : "not ");
}

static __attribute__((destructor(102))) void fini_third(void)
{
    note_fini(1);
}

static __attribute__((destructor)) void fini_second(void)
{
    note_fini(2);
}

static __attribute__((destructor)) void fini_first(void)
{
    note_fini(3);
}

MODULE("test-arrays", "1.0", "tests of .init_array and .fini_array");
