/*
 * panic.c - the end of everything: all CPUs stop, one prints.
 */
#include "core/panic.h"
#include "core/backtrace.h"
#include "core/console.h"
#include "core/cpu.h"
#include "core/options.h"
#include "core/symbols.h"
#include "core/thread.h"
#include <arch/interrupts.h>
#include <arch/machine.h>
#include <arch/trap.h>
#include <moult/text.h>
#include <string.h>

#define BACKTRACE_MAX 24

static volatile uint32_t panicking; /* index + 1 of the CPU that prints */

static __attribute__((format(printf, 1, 2))) void print(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    text_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    console_write_panic(line, strlen(line));
}

bool panic_under_way(void)
{
    return panicking;
}

bool panic_is_here(void)
{
    return panicking == this_cpu()->lock_owner;
}

void panic_stop_here(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void print_address(uintptr_t address)
{
    struct symbol_place place;
    if (!symbol_at(address, &place))
        print("  %#018lx\n", address);
    else
        print("  %#018lx %s+%#lx%s%s%s\n", address, place.name, place.offset, place.module ? " [" : "",
              place.module ? place.module : "", place.module ? "]" : "");
}

/*
 * Where a fault comes before the function has made its frame, or is no function at all, the chain of frames lacks the
 * caller: its address is on top of the stack.
 */
static void print_caller(const struct trap_frame *frame)
{
    struct symbol_place place;
    const uintptr_t *top = (const uintptr_t *)frame->rsp;
    bool begun = symbol_at(frame->rip, &place) && place.offset > 0;
    if (!begun && backtrace_readable((uintptr_t)top) && symbol_at(*top, &place))
        print_address(*top);
}

static void print_backtrace(const struct trap_frame *trap, uintptr_t frame)
{
    uintptr_t found[BACKTRACE_MAX];
    size_t count = backtrace(frame, found, BACKTRACE_MAX);
    print("backtrace:\n");
    if (trap)
        print_caller(trap);
    for (size_t i = 0; i < count; i++)
        print_address(found[i]);
}

static void print_registers(const struct trap_frame *frame)
{
    print("rip %016lx cs %04lx rflags %08lx vector %lu error %lx\n", frame->rip, frame->cs, frame->rflags,
          frame->vector, frame->error);
    print("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    print("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", frame->rsi, frame->rdi, frame->rbp, frame->rsp);
    print("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", frame->r8, frame->r9, frame->r10, frame->r11);
    print("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", frame->r12, frame->r13, frame->r14, frame->r15);
    print("at:\n");
    print_address(frame->rip);
}

static _Noreturn void end(const char *sentence)
{
    print("panic: %s\n", sentence);
    if (option_text("panic") && strcmp(option_text("panic"), "exit") == 0)
        arch_power_off();
    panic_stop_here();
}

static _Noreturn void die(const struct trap_frame *frame, uintptr_t backtrace, const char *format, va_list arguments)
{
    char sentence[400];
    struct cpu *cpu = this_cpu();
    uint32_t nobody = 0;
    arch_interrupts_disable();
    text_format_list(sentence, sizeof(sentence), format, arguments);
    if (!__atomic_compare_exchange_n(&panicking, &nobody, cpu->lock_owner, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        if (nobody == cpu->lock_owner) {
            print("a second panic while the first was printed: %s\n", sentence);
            end("see above");
        }
        panic_stop_here();
    }
    if (cpu_count > 1)
        arch_send_nmi_others();
    print("\nCPU %u", cpu->index);
    if (cpu->current)
        print(", thread %u (%s)", cpu->current->facts.thread, cpu->current->name);
    print("\n");
    if (frame)
        print_registers(frame);
    print_backtrace(frame, backtrace);
    end(sentence);
}

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    die(NULL, (uintptr_t)__builtin_frame_address(0), format, arguments);
}

void panic_at(const struct trap_frame *frame, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    die(frame, frame->rbp, format, arguments);
}
