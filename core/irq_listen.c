/*
 * irq_listen.c - listeners with a ring of their own, for drivers and tests (moult/line.h).
 *
 * A ring is filled under its line's lock and emptied by the thread that waits, each moving its own end. Listeners are
 * named by numbers; the table's mutex protects the table, and a listener is used by one thread at a time.
 */
#include "core/heap.h"
#include "core/irq.h"
#include "core/thread.h"
#include <moult/errors.h>
#include <moult/module.h>

#define LISTENERS_MAX 64
#define RING_VALUES 2048 /* a power of two */

struct listener {
    struct irq_listener base; /* first */
    struct irq_line *line;
    struct wait_queue waiting;
    uint32_t written, read; /* so far, modulo 2^32 */
    uint32_t ring[RING_VALUES];
};

static struct mutex table_mutex = MUTEX_INITIALISER(table_mutex);
static struct listener *table[LISTENERS_MAX];

static unsigned kept(const struct listener *listener)
{
    return __atomic_load_n(&listener->written, __ATOMIC_ACQUIRE) - __atomic_load_n(&listener->read, __ATOMIC_ACQUIRE);
}

static unsigned room(struct irq_listener *base)
{
    return RING_VALUES - kept((struct listener *)base);
}

static unsigned put(struct irq_listener *base, const uint32_t *values, unsigned count)
{
    struct listener *listener = (struct listener *)base;
    unsigned fit = room(base) < count ? room(base) : count;
    for (unsigned i = 0; i < fit; i++)
        listener->ring[(listener->written + i) % RING_VALUES] = values[i];
    __atomic_store_n(&listener->written, listener->written + fit, __ATOMIC_RELEASE);
    wait_queue_wake(&listener->waiting);
    return count - fit;
}

/* A place in the table; its number is one more. Mutex held. */
static int free_place(void)
{
    for (int i = 0; i < LISTENERS_MAX; i++)
        if (!table[i])
            return i;
    return -ENOSPC;
}

static int add(struct listener *listener)
{
    int place = free_place(), result;
    if (place < 0)
        return place;
    result = irq_listener_add(listener->line, &listener->base);
    if (result != 0)
        return result;
    table[place] = listener;
    return place + 1;
}

int line_listen(unsigned number)
{
    struct irq_line *line = irq_line_find(number);
    struct listener *listener;
    int result;
    if (!line)
        return -ENOENT;
    listener = heap_alloc_zeroed(1, sizeof(*listener));
    if (!listener)
        return -ENOMEM;
    listener->base = (struct irq_listener){.room = room, .put = put};
    listener->line = line;
    wait_queue_init(&listener->waiting);
    mutex_lock(&table_mutex);
    result = add(listener);
    mutex_unlock(&table_mutex);
    if (result < 0)
        heap_free(listener);
    return result;
}
EXPORT_SYMBOL(line_listen);

static struct listener *find(int number)
{
    return number > 0 && number <= LISTENERS_MAX ? table[number - 1] : NULL;
}

void line_leave(int number)
{
    struct listener *listener;
    mutex_lock(&table_mutex);
    listener = find(number);
    if (listener) {
        table[number - 1] = NULL;
        irq_listener_remove(listener->line, &listener->base);
    }
    mutex_unlock(&table_mutex);
    heap_free(listener);
}
EXPORT_SYMBOL(line_leave);

static bool has_some(void *argument)
{
    return kept(argument) > 0;
}

int line_receive(int number, uint32_t *values, unsigned most, uint64_t nanoseconds)
{
    struct listener *listener = find(number);
    unsigned count;
    int result;
    if (!listener || most == 0)
        return -EINVAL;
    result = wait_queue_wait(&listener->waiting, has_some, listener, nanoseconds);
    if (result != 0)
        return result;
    count = kept(listener) < most ? kept(listener) : most;
    for (unsigned i = 0; i < count; i++)
        values[i] = listener->ring[(listener->read + i) % RING_VALUES];
    __atomic_store_n(&listener->read, listener->read + count, __ATOMIC_RELEASE);
    irq_room_made(listener->line);
    return (int)count;
}
EXPORT_SYMBOL(line_receive);
