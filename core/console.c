/*
 * console.c - who writes to the consoles, and the ring of bytes typed.
 *
 * `busy` is the ownership: taken for long by a thread (after `threads`, the queue of those that want it), or for a few
 * lines, interrupts off, by whoever adds one to the log. The latter never waits, hence log_line() can be called under
 * any lock and in any interrupt; and it shows no more than those few, so that a flood of lines from elsewhere does not
 * keep it. What is left is shown by those who add more, and else at a CPU's tick or before it waits for work.
 *
 * Entry points: console_hold(), console_write(), console_show_log(); console_listener and console_read().
 */
#include "core/console.h"
#include "core/console_slot.h"
#include "core/irq.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/log_slot.h"
#include "core/thread.h"
#include <arch/cpu.h>
#include <arch/timer.h>
#include <moult/text.h>
#include <moult/thread.h>
#include <string.h>

#define ERASE_ROW "\r\x1b[K"
#define INPUT_BYTES 4096
#define LINE_BYTES 512
#define NOTE_BYTES 80
#define LINES_AT_ONCE 2
#define REST 3 /* times as long as it has shown lines, a tick does not */

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

/* Says how many lines the policy of the slot `log` has held back. */
static void show_held(uint64_t held)
{
    char text[NOTE_BYTES];

    console_slot_write(CONSOLE_LOG, text,
                       text_format(text, sizeof text, "(%lu lines were held back; `log` has them)\n", held));
}

/* Says that the log has overwritten lines before they were shown. */
static void show_skipped(uint64_t bytes)
{
    char text[NOTE_BYTES];

    console_slot_write(
        CONSOLE_LOG, text,
        text_format(text, sizeof text, "(%lu bytes of the log were overwritten before they could be shown)\n", bytes));
}

/* By the owner: the next line, with what is to be said before it. Returns whether it was one to show. */
static bool show_line(bool erase)
{
    uint64_t held, skipped = log_skipped(console.shown);
    bool quiet;
    size_t length = log_read(&console.shown, console.line, sizeof console.line - 1, &quiet);

    if (!length || quiet || !log_slot_shows(console.line, length, &held))
        return false;
    if (erase)
        console_slot_write(CONSOLE_EDIT, ERASE_ROW, strlen(ERASE_ROW));
    if (skipped)
        show_skipped(skipped);
    if (held)
        show_held(held);
    console.line[length] = '\n';
    console_slot_write(CONSOLE_LOG, console.line, length + 1);
    return true;
}

/* By the owner. A few lines at a time, and none while a thread waits: its release goes on. */
static void show_lines(void)
{
    bool erased = false;

    for (unsigned i = 0; i < LINES_AT_ONCE && !console.wanted && log_has(console.shown); i++)
        erased |= show_line(!erased && console.footer_length);
    if (erased && console.footer_length)
        console_slot_write(CONSOLE_EDIT, console.footer, console.footer_length);
}

bool console_lags(void)
{
    return console.ready && !console.wanted && !console.busy && log_has(console.shown);
}

void console_show_log(void)
{
    if (!console_lags())
        return;
    unsigned long flags = arch_interrupts_save();

    if (take()) {
        show_lines();
        give();
    }
    arch_interrupts_restore(flags);
}

void console_tick(void)
{
    static uint64_t rest_over; /* of whichever CPU was the last */
    uint64_t began, ended;

    if (!console_lags())
        return;
    began = arch_clock();
    if (began < __atomic_load_n(&rest_over, __ATOMIC_RELAXED))
        return;
    console_show_log();
    ended = arch_clock();
    __atomic_store_n(&rest_over, ended + REST * (ended - began), __ATOMIC_RELAXED);
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

void console_write(enum console_kind kind, const char *text, size_t length)
{
    ASSERT(console.threads.holder == current_thread());
    console_slot_write(kind, text, length);
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
        console_write_plainly("\n", 1); /* leaves what was being written, or edited, legible */
    console.panicking = true;
    console_write_plainly(text, length);
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
