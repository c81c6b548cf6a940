/*
 * log.c - the kernel's log: a ring of lines, as they are to be read.
 *
 * The ring holds plain text, each line stamped and ended by a newline, so that a debugger or a dump of memory shows it
 * without further ado: look for LOG_MAGIC. Positions count bytes since boot and only ever grow; modulo the ring's size
 * they are places in it. Whole lines are overwritten, oldest first.
 *
 * Entry points: log_line(), log_read(). Concurrency: one spin lock, innermost of all; nothing is called under it.
 */
#include "core/log.h"
#include "core/console.h"
#include "core/lock.h"
#include <moult/module.h>
#include <moult/text.h>
#include <moult/thread.h>
#include <stdarg.h>
#include <string.h>

#define LOG_MAGIC "moult log ring 1"
#define LOG_BYTES 65536
#define LOG_LINE_BYTES 512 /* a longer line is cut: it is on the caller's stack */
#define QUIET '\r'         /* before the newline of a line that the consoles do not show */
#define NANOSECONDS 1000000000ul
#define MICROSECOND 1000ul

static struct {
    char magic[16];
    uint64_t oldest; /* position of the oldest line that is still there */
    uint64_t next;   /* position at which the next line will be */
    uint64_t lost;   /* lines overwritten */
    struct spinlock lock;
    char text[LOG_BYTES];
} log = {.magic = LOG_MAGIC};

static inline char *place(uint64_t position)
{
    return &log.text[position % LOG_BYTES];
}

/* Makes room for `length` bytes by forgetting whole lines. Under the lock. */
static void make_room(size_t length)
{
    while (log.next + length - log.oldest > LOG_BYTES) {
        while (*place(log.oldest++) != '\n')
            ;
        log.lost++;
    }
}

static void append(const char *line, size_t length)
{
    unsigned long flags = spin_lock_save(&log.lock);

    make_room(length);
    for (size_t i = 0; i < length; i++)
        *place(log.next + i) = line[i];
    __atomic_store_n(&log.next, log.next + length, __ATOMIC_RELEASE);
    spin_unlock_restore(&log.lock, flags);
}

/* Stamps and adds a line; a quiet one ends in QUIET. Returns when it is in the ring. */
static void add_line(bool quiet, const char *format, va_list arguments)
{
    char line[LOG_LINE_BYTES];
    uint64_t now = clock_nanoseconds();
    size_t room = sizeof line - 1; /* for the newline; what marks a quiet line takes the terminator's place */
    size_t stamp = text_format(line, room, "[%5lu.%06lu] ", now / NANOSECONDS, now % NANOSECONDS / MICROSECOND);
    size_t length = stamp + text_format_list(line + stamp, room - stamp, format, arguments);

    if (length > room - 1)
        length = room - 1;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 127) /* a newline inside would make two lines of one */
            line[i] = ' ';
    }
    if (quiet)
        line[length++] = QUIET;
    line[length++] = '\n';
    append(line, length);
}

void log_line(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(false, format, arguments);
    va_end(arguments);
    console_show_log();
}
EXPORT_SYMBOL(log_line);

void log_quietly(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(true, format, arguments);
    va_end(arguments);
}

size_t log_read(uint64_t *cursor, char *text, size_t capacity, bool *quiet)
{
    size_t length = 0;
    unsigned long flags = spin_lock_save(&log.lock);

    *quiet = false;
    if (*cursor < log.oldest)
        *cursor = log.oldest;
    if (*cursor < log.next) {
        for (; *place(*cursor) != '\n'; (*cursor)++) {
            if (*place(*cursor) == QUIET)
                *quiet = true;
            else if (length + 1 < capacity)
                text[length++] = *place(*cursor);
        }
        (*cursor)++;
    }
    spin_unlock_restore(&log.lock, flags);
    text[length] = 0;
    return length;
}

bool log_has(uint64_t cursor)
{
    return cursor < __atomic_load_n(&log.next, __ATOMIC_ACQUIRE);
}

uint64_t log_skipped(uint64_t cursor)
{
    uint64_t oldest = __atomic_load_n(&log.oldest, __ATOMIC_RELAXED);

    return cursor < oldest ? oldest - cursor : 0;
}

uint64_t log_lost(void)
{
    return __atomic_load_n(&log.lost, __ATOMIC_RELAXED);
}
