/*
 * thread.c - the table of threads: creation, end, joining.
 *
 * Entries stand in one range of addresses, mapped as it grows, never unmapped: a stale pointer to an entry is always
 * readable. A free entry keeps its stack for the next thread, up to a number of them. `table_lock` guards the free
 * list, the hash by number and the counts.
 */
#include "core/thread.h"
#include "core/frames.h"
#include "core/heap.h"
#include "core/module.h"
#include "core/run_queue.h"
#include "core/sched_slot.h"
#include "core/schedule.h"
#include "core/thread_table.h"
#include "core/time.h"
#include "core/vm.h"
#include <arch/fpu.h>
#include <arch/switch.h>
#include <moult/errors.h>
#include <string.h>

_Static_assert(offsetof(struct thread, stack_pointer) == 24, "arch/x86/switch.asm");
_Static_assert(offsetof(struct thread, switches) == 32, "arch/x86/switch.asm");

#define HASH_BUCKETS 4096
#define STACKS_KEPT 256 /* free entries beyond these give their stacks back */
#define STACK_BYTES (THREAD_STACK_PAGES * PAGE_SIZE)

void thread_main(void);

/* Fields of the table under `table_lock`; `grow` is held by whoever maps more entries. */
static struct {
    struct spinlock lock;
    struct mutex grow;
    struct thread_list free;
    struct thread *hash[HASH_BUCKETS];
    uint32_t entries;     /* mapped so far */
    uint32_t count;       /* in use */
    uint32_t stacks_kept; /* free entries that have their stack still */
    uint32_t next_number;
} table = {.grow = MUTEX_INITIALISER(table.grow), .free = TAILQ_HEAD_INITIALIZER(table.free), .next_number = 1};

/* Threads that ended without anyone to join them, for the reaper. */
static struct {
    struct spinlock lock;
    struct ring threads; /* its ends */
    struct semaphore some;
} dead = {.threads = {&dead.threads, &dead.threads}, .some = SEMAPHORE_INITIALISER(dead.some, 0)};

static struct thread *entry_at(uint32_t index)
{
    return (struct thread *)(THREAD_TABLE_BASE + (uintptr_t)index * THREAD_BYTES);
}

struct thread *thread_table_entry(uint32_t index)
{
    return index < __atomic_load_n(&table.entries, __ATOMIC_ACQUIRE) ? entry_at(index) : NULL;
}

unsigned long thread_table_lock(void)
{
    return spin_lock_save(&table.lock);
}

void thread_table_unlock(unsigned long flags)
{
    spin_unlock_restore(&table.lock, flags);
}

struct thread *thread_find_locked(uint32_t number)
{
    struct thread *thread = table.hash[number % HASH_BUCKETS];
    while (thread && thread->facts.thread != number)
        thread = thread->hash_next;
    return thread;
}

/* Maps one more page of entries. The pages' frames stay. */
static int grow(void)
{
    physical_address frame;
    unsigned long flags;
    uint32_t first = table.entries, per_page = PAGE_SIZE / THREAD_BYTES;
    if (first + per_page > THREADS_MAX)
        return -ENOSPC;
    frame = frames_alloc_zeroed();
    if (!frame)
        return -ENOMEM;
    if (arch_map((uintptr_t)entry_at(first), frame, PROTECTION_WRITE) != 0) {
        frames_free(frame);
        return -ENOMEM;
    }
    flags = thread_table_lock();
    table.entries += per_page;
    for (uint32_t i = 0; i < per_page; i++)
        TAILQ_INSERT_TAIL(&table.free, entry_at(first + i), urgent_link);
    thread_table_unlock(flags);
    return 0;
}

static struct thread *take_free(void)
{
    unsigned long flags = thread_table_lock();
    struct thread *thread = TAILQ_FIRST(&table.free);
    if (thread) {
        TAILQ_REMOVE(&table.free, thread, urgent_link);
        table.stacks_kept -= thread->stack != NULL;
    }
    thread_table_unlock(flags);
    return thread;
}

/* Those that have their stack still are taken first. */
static void put_free(struct thread *thread)
{
    unsigned long flags = thread_table_lock();
    if (thread->stack)
        TAILQ_INSERT_HEAD(&table.free, thread, urgent_link);
    else
        TAILQ_INSERT_TAIL(&table.free, thread, urgent_link);
    table.stacks_kept += thread->stack != NULL;
    thread_table_unlock(flags);
}

/* An unused entry with a stack; NULL: no memory. */
static struct thread *entry_get(void)
{
    struct thread *thread;
    while (!(thread = take_free())) {
        int result = 0;
        mutex_lock(&table.grow);
        if (TAILQ_EMPTY(&table.free))
            result = grow();
        mutex_unlock(&table.grow);
        if (result != 0)
            return NULL;
    }
    if (!thread->stack)
        thread->stack = vm_alloc(THREAD_STACK_PAGES, false);
    if (!thread->stack) {
        put_free(thread);
        return NULL;
    }
    return thread;
}

/* A number that no thread has. Table lock held. */
static uint32_t number_take(void)
{
    uint32_t number;
    do {
        number = table.next_number++;
        if (table.next_number > INT32_MAX)
            table.next_number = 1;
    } while (thread_find_locked(number));
    return number;
}

/*
 * Puts a thread in the table and gives it to the scheduler. At once, with interrupts off, so that a swap finds it
 * whole or not at all.
 */
static void publish(struct thread *thread, enum thread_state state)
{
    unsigned long flags = thread_table_lock();
    struct thread **bucket;
    thread->facts.thread = number_take();
    bucket = &table.hash[thread->facts.thread % HASH_BUCKETS];
    thread->hash_next = *bucket;
    *bucket = thread;
    table.count++;
    thread->state = state;
    if (!thread->urgent && !thread->idle)
        sched_adopt(thread);
    thread_table_unlock(flags);
}

static void copy_name(struct thread *thread, const char *name)
{
    size_t length = strnlen(name, THREAD_NAME_BYTES - 1);
    memcpy(thread->name, name, length);
    thread->name[length] = 0;
}

/* Every field that a thread before may have left otherwise. */
static void reset(struct thread *thread, const struct thread_options *options)
{
    thread->facts.weight = options->weight ? options->weight : WEIGHT_DEFAULT;
    thread->facts.priority = options->priority ? options->priority : PRIORITY_DEFAULT;
    thread->facts.affinity = options->affinity ? options->affinity : ~0ull;
    thread->facts.cpu = this_cpu()->index;
    thread->switches = thread->runtime = 0;
    thread->queued_on = NULL;
    thread->urgent = thread->idle = thread->displaced = thread->suspended = thread->killed = thread->detached =
        thread->core = false;
    thread->joined = false;
    thread->workload = options->workload;
    thread->interruptible = true;
    thread->mutexes = 0;
    thread->waits_on = NULL;
    thread->timer_cpu = NULL;
    thread->module = NULL;
    thread->record.version = SCHED_RECORD_VERSION;
    thread->record.fields = 0;
    semaphore_init(&thread->ended, 0);
    copy_name(thread, options->name ? options->name : "thread");
}

static uint64_t online_mask(void)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < cpu_count; i++)
        mask |= (uint64_t)cpus[i].online << i;
    return mask;
}

int thread_check_affinity(uint64_t affinity)
{
    return affinity & online_mask() ? 0 : -EINVAL;
}

static int check_options(const struct thread_options *options)
{
    if (options->weight > WEIGHT_MAX || options->priority > PRIORITY_MAX)
        return -ERANGE;
    return options->affinity ? thread_check_affinity(options->affinity) : 0;
}

static int fpu_prepare(struct thread *thread, bool wanted)
{
    if (wanted && !thread->fpu) {
        thread->fpu_block = heap_alloc(arch_fpu_bytes() + 64);
        if (!thread->fpu_block)
            return -ENOMEM;
        thread->fpu = (void *)(((uintptr_t)thread->fpu_block + 63) & ~63ul);
        arch_fpu_init_state(thread->fpu);
    }
    return 0;
}

static int create(const struct thread_options *options, bool core, bool urgent, void (*entry)(void *), void *argument)
{
    int result = check_options(options);
    struct thread *thread;
    uint32_t number;
    if (result != 0)
        return result;
    thread = entry_get();
    if (!thread)
        return -ENOMEM;
    reset(thread, options);
    if (fpu_prepare(thread, options->fpu) != 0) {
        put_free(thread);
        return -ENOMEM;
    }
    thread->core = core;
    thread->urgent = urgent;
    thread->entry = entry;
    thread->argument = argument;
    thread->module = module_hold_text((uintptr_t)entry);
    thread->stack_pointer = arch_thread_frame(thread->stack + STACK_BYTES);
    publish(thread, THREAD_BLOCKED);
    number = thread->facts.thread;
    arch_interrupts_disable();
    thread_wake(thread, 0, SCHED_NEW);
    schedule_if_asked();
    arch_interrupts_enable();
    return (int)number;
}

int thread_create(const struct thread_options *options, void (*entry)(void *), void *argument)
{
    return create(options, false, false, entry, argument);
}
EXPORT_SYMBOL(thread_create);

int thread_create_core(const char *name, bool urgent, void (*entry)(void *), void *argument)
{
    struct thread_options options = {.name = name};
    return create(&options, true, urgent, entry, argument);
}

void thread_main(void)
{
    struct thread *self = current_thread();
    arch_interrupts_enable();
    self->entry(self->argument);
    thread_exit();
}

void thread_exit(void)
{
    struct thread *self = current_thread();
    struct cpu *cpu;
    arch_interrupts_disable();
    if (self->fpu)
        arch_fpu_allow(false);
    spin_lock(&table.lock);
    if (self->detached) {
        spin_lock(&dead.lock);
        ring_insert(&dead.threads, &self->wait_link);
        spin_unlock(&dead.lock);
        semaphore_up(&dead.some);
    } else {
        semaphore_up(&self->ended);
    }
    spin_unlock(&table.lock);
    cpu = this_cpu();
    spin_lock(&cpu->queue_lock);
    if (self->fpu)
        cpu->attention &= ~ATTENTION_FPU;
    self->state = THREAD_ENDED;
    self->home = NULL; /* no policy hears of it again */
    schedule_block(SCHED_EXIT);
    panic("thread %u runs after its end", self->facts.thread);
}
EXPORT_SYMBOL(thread_exit);

/* Waits until an ended thread is off its stack: it holds its queue lock until then. */
static void wait_off_stack(struct thread *thread)
{
    bool off = false;
    while (!off) {
        arch_interrupts_disable();
        spin_unlock(&thread_lock(thread)->queue_lock);
        off = thread->state == THREAD_ENDED;
        arch_interrupts_enable();
        if (!off)
            thread_yield();
    }
}

static void forget(struct thread *thread)
{
    unsigned long flags;
    struct thread **link;
    wait_off_stack(thread);
    if (thread->fpu) {
        heap_free(thread->fpu_block);
        thread->fpu = thread->fpu_block = NULL;
    }
    if (thread->module)
        module_put(thread->module);
    flags = thread_table_lock();
    link = &table.hash[thread->facts.thread % HASH_BUCKETS];
    while (*link != thread)
        link = &(*link)->hash_next;
    *link = thread->hash_next;
    thread->state = THREAD_FREE;
    table.count--;
    thread_table_unlock(flags);
    if (table.stacks_kept >= STACKS_KEPT) {
        vm_free(thread->stack);
        thread->stack = NULL;
    }
    put_free(thread);
}

int thread_join(uint32_t number)
{
    unsigned long flags = thread_table_lock();
    struct thread *thread = thread_find_locked(number);
    bool mine = thread && !thread->joined && !thread->detached && !thread->core;
    if (mine)
        thread->joined = true;
    thread_table_unlock(flags);
    if (!mine)
        return -ESRCH;
    if (semaphore_down(&thread->ended) != 0) {
        thread->joined = false;
        return -EINTR;
    }
    forget(thread);
    return 0;
}
EXPORT_SYMBOL(thread_join);

int thread_detach(uint32_t number)
{
    unsigned long flags = thread_table_lock();
    struct thread *thread = thread_find_locked(number);
    bool mine = thread && !thread->joined && !thread->detached && !thread->core, over = false;
    if (mine) {
        over = semaphore_try(&thread->ended);
        thread->joined = over;
        thread->detached = !over;
    }
    thread_table_unlock(flags);
    if (over)
        forget(thread);
    return mine ? 0 : -ESRCH;
}
EXPORT_SYMBOL(thread_detach);

static void reaper_main(void *unused)
{
    (void)unused;
    for (;;) {
        struct thread *thread;
        unsigned long flags;
        semaphore_down(&dead.some);
        flags = spin_lock_save(&dead.lock);
        thread = thread_waiting(ring_take(&dead.threads));
        spin_unlock_restore(&dead.lock, flags);
        forget(thread);
    }
}

/* An idle thread is the context in which its CPU started: it needs no stack of the table's. */
static struct thread *create_idle(struct cpu *cpu)
{
    struct thread_options options = {.name = "idle", .affinity = 1ull << cpu->index};
    struct thread *thread;
    if (TAILQ_EMPTY(&table.free) && grow() != 0)
        return NULL;
    thread = take_free();
    reset(thread, &options);
    thread->idle = thread->core = true;
    thread->facts.cpu = cpu->index;
    publish(thread, THREAD_READY);
    cpu->idle = thread;
    return thread;
}

struct thread *thread_create_idle(struct cpu *cpu)
{
    struct thread *thread = create_idle(cpu);
    if (thread && !thread->stack)
        thread->stack = vm_alloc(THREAD_STACK_PAGES, false);
    return thread && thread->stack ? thread : NULL;
}

void threads_init(void)
{
    struct cpu *cpu = &cpus[0];
    struct thread *idle = create_idle(cpu);
    if (!idle)
        panic("there is no memory for the first thread: give the machine more");
    cpu->current = idle;
    cpu->charged_until = arch_clock();
    cpu->next_tick = NO_DEADLINE;
}

void threads_start_reaper(void)
{
    if (thread_create_core("reaper", true, reaper_main, NULL) < 0)
        panic("there is no memory for the core's threads: give the machine more");
}

void threads_visit_held(bool (*visit)(struct thread *thread, void *argument), void *argument)
{
    for (uint32_t i = 0; i < table.entries; i++) {
        struct thread *thread = entry_at(i);
        if (thread->state != THREAD_FREE && !visit(thread, argument))
            return;
    }
}

void threads_visit(bool (*visit)(struct thread *thread, void *argument), void *argument)
{
    unsigned long flags = thread_table_lock();
    threads_visit_held(visit, argument);
    thread_table_unlock(flags);
}

struct thread *threads_find_queued(struct cpu *cpu)
{
    for (uint32_t i = 0; i < table.entries; i++)
        if (entry_at(i)->state == THREAD_READY && entry_at(i)->queued_on == cpu)
            return entry_at(i);
    return NULL;
}

uint32_t threads_count(void)
{
    return table.count;
}
