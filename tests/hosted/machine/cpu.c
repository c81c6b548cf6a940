/*
 * cpu.c - the CPU of a hosted test: what GS points at, whether interrupts are on, and panic().
 */
#include "cpu.h"
#include "core/panic.h"
#include <arch/cpu.h>
#include <asm/prctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PANIC_STATUS 42
#define SENTENCE 512

long syscall(long number, ...);

bool machine_interrupts;

/* core/cpu.h's first members. */
static struct machine_cpu {
    struct machine_cpu *self;
    void *current;
    uint32_t lock_owner;
} machine_cpu = {.self = &machine_cpu, .lock_owner = 1};

/* Shared with the process that panics; NULL elsewhere. */
static char *last_words;
static bool expected;

void machine_cpu_be(unsigned index)
{
    machine_cpu.lock_owner = index + 1;
}

void machine_cpu_start(void)
{
    machine_interrupts = true;
    machine_cpu_be(0);
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &machine_cpu), 0);
}

const char *machine_panic_in(void (*work)(void *argument), void *argument)
{
    int status;

    if (!last_words)
        last_words = mmap(NULL, SENTENCE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(last_words, MAP_FAILED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        expected = true;
        work(argument);
        _exit(EXIT_SUCCESS);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == PANIC_STATUS ? last_words : NULL;
}

void panic(const char *format, ...)
{
    char sentence[SENTENCE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (expected) {
        memcpy(last_words, sentence, sizeof sentence);
        _exit(PANIC_STATUS);
    }
    fail_msg("panic: %s", sentence);
    abort();
}
