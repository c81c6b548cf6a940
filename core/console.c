/*
 * console.c - who writes to the consoles, and the ring of bytes typed.
 *
 * `busy` is the ownership: taken for long by a thread (after `threads`, the queue of those that want it), or for a
 * moment, interrupts off, by whoever adds a line to the log. The latter never waits: if the consoles are taken, their
 * owner looks at the log again after it has let go, so that no line is left unseen. Hence log_line() can be called
 * under any lock and in any interrupt.
 *
 * Entry points: console_hold(), console_write(), console_show_log(); console_listener and console_read().
 */
#include "core/console.h"
#include "core/irq.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/thread.h"
#include <arch/machine.h>
#include <moult/thread.h>
#include <string.h>

#define ERASE_ROW "\r\x1b[K"
#define INPUT_BYTES 4096
#define LINE_BYTES 512

static struct {
    bool ready;               /* the devices can be written to */
    volatile bool busy;       /* somebody writes */
    volatile uint32_t wanted; /* threads that wait for `busy`: showing the log lets them go first */
    struct mutex threads;     /* among the threads that hold the consoles */
    unsigned depth;           /* of console_hold() calls; the holder's */
    uint64_t shown;           /* position in the log of what is next to be shown; `busy` protects it */
    bool panicking;           /* something was written for a panic */
    size_t footer_length;
    char footer[CONSOLE_FOOTER_BYTES]; /* `busy` protects it */
    char line[LINE_BYTES];             /* of the log, being shown; `busy` protects it */
} console = {.threads = MUTEX_INITIALISER(console.threads)};

static struct {
    struct spinlock lock; /* protects the members below, but for `available` */
    uint32_t first, count;
    char bytes[INPUT_BYTES];
    struct semaphore available; /* bytes in the ring */
} input = {.available = SEMAPHORE_INITIALISER(input.available, 0)};

static bool take(void)
{
    return !__atomic_exchange_n(&console.busy, true, __ATOMIC_ACQUIRE);
}

static void give(void)
{
    __atomic_store_n(&console.busy, false, __ATOMIC_SEQ_CST);
}

static void write_devices(const char *text, size_t length)
{
    arch_serial_write(text, length);
    arch_screen_write(text, length);
}

/* A newline needs a carriage return on every console. */
static void write_translated(const char *text, size_t length)
{
    while (length) {
        const char *newline = memchr(text, '\n', length);
        size_t plain = newline ? (size_t)(newline - text) : length;

        if (plain)
            write_devices(text, plain);
        if (!newline)
            return;
        write_devices("\r\n", 2);
        text += plain + 1;
        length -= plain + 1;
    }
}

/* By the owner. Stops early when a thread waits: its release goes on. */
static void show_lines(void)
{
    size_t length;
    bool erased = false, quiet;

    while (!console.wanted && (length = log_read(&console.shown, console.line, sizeof console.line, &quiet))) {
        if (quiet)
            continue;
        if (!erased && console.footer_length)
            write_devices(ERASE_ROW, strlen(ERASE_ROW));
        erased = true;
        write_devices(console.line, length);
        write_devices("\r\n", 2);
    }
    if (erased && console.footer_length)
        write_devices(console.footer, console.footer_length);
}

void console_show_log(void)
{
    while (console.ready && !console.wanted && log_has(console.shown)) {
        unsigned long flags = arch_interrupts_save();

        if (!take()) {
            arch_interrupts_restore(flags);
            return; /* its owner looks at the log after it has let go */
        }
        show_lines();
        give();
        arch_interrupts_restore(flags);
    }
}

void console_init(void)
{
    console.ready = true;
    console_show_log();
}

void console_hold(void)
{
    if (console.threads.holder == current_thread()) {
        console.depth++;
        return;
    }
    mutex_lock(&console.threads);
    console.depth = 1;
    __atomic_add_fetch(&console.wanted, 1, __ATOMIC_SEQ_CST);
    while (!take())
        arch_relax(); /* for as long as the line takes that is being shown */
    __atomic_sub_fetch(&console.wanted, 1, __ATOMIC_SEQ_CST);
}

void console_release(void)
{
    ASSERT(console.threads.holder == current_thread());
    if (--console.depth)
        return;
    show_lines();
    give();
    mutex_unlock(&console.threads);
    console_show_log();
}

void console_write(const char *text, size_t length)
{
    ASSERT(console.threads.holder == current_thread());
    write_translated(text, length);
}

void console_set_footer(const char *text, size_t length)
{
    ASSERT(console.threads.holder == current_thread() && length <= sizeof console.footer);
    memcpy(console.footer, text, length);
    console.footer_length = length;
}

void console_write_panic(const char *text, size_t length)
{
    if (!console.panicking && (console.busy || console.footer_length))
        write_devices("\r\n", 2); /* leaves what was being written, or edited, legible */
    console.panicking = true;
    write_translated(text, length);
}

/* Two lines may be served at once, and each has looked before: what both can give fits. */
static unsigned input_room(struct irq_listener *listener)
{
    uint32_t room = INPUT_BYTES - *(volatile uint32_t *)&input.count;

    (void)listener;
    return room > INPUT_BYTES / 2 ? room - INPUT_BYTES / 2 : 0;
}

static unsigned input_put(struct irq_listener *listener, const uint32_t *values, unsigned count)
{
    unsigned long flags = spin_lock_save(&input.lock);
    unsigned fit = INPUT_BYTES - input.count < count ? INPUT_BYTES - input.count : count;

    (void)listener;
    for (unsigned i = 0; i < fit; i++)
        input.bytes[(input.first + input.count++) % INPUT_BYTES] = (char)values[i];
    spin_unlock_restore(&input.lock, flags);
    for (unsigned i = 0; i < fit; i++)
        semaphore_up(&input.available);
    return count - fit;
}

struct irq_listener console_listener = {.room = input_room, .put = input_put};

int console_read(void)
{
    int result = semaphore_down(&input.available);

    if (result)
        return result;
    unsigned long flags = spin_lock_save(&input.lock);
    unsigned char byte = input.bytes[input.first];

    input.first = (input.first + 1) % INPUT_BYTES;
    input.count--;
    spin_unlock_restore(&input.lock, flags);
    irq_room_made(irq_line_find(LINE_KEYBOARD));
    irq_room_made(irq_line_find(LINE_SERIAL));
    return byte;
}
