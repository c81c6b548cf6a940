/*
 * command_machine.c - `mem`, `cpu`, `sleep`, `uptime`, `poweroff`, `reboot`: the machine and what is used of it.
 *
 * Entry points: the six commands. Concurrency: the monitor's thread alone; figures are read without stopping what
 * changes them.
 */
#include "core/cpu.h"
#include "core/frames.h"
#include "core/heap.h"
#include "core/monitor/commands.h"
#include "core/slot.h"
#include "core/thread.h"
#include "core/vm.h"
#include <arch/machine.h>
#include <arch/memory.h>
#include <arch/timer.h>
#include <moult/sched.h>
#include <moult/thread.h>

#define KIB 1024ul
#define MICROSECONDS 1000000ul
#define NANOSECONDS_IN_MICROSECOND 1000ul
#define MINUTE 60ul
#define HOUR 3600ul
#define PERCENT 100ul
#define SHARES 24 /* of the heap that are shown: those of the latest occupants */

static const char *share_state(const struct heap_share *share)
{
    static const char *const names[] = {
        [HEAP_OCCUPANT] = "occupant", [HEAP_FALLBACK] = "fallback", [HEAP_DRAINING] = "draining"};
    return names[share->state];
}

/* Whose the heap's blocks are. */
static void show_shares(struct request *request, struct json *json)
{
    struct heap_share shares[SHARES];
    unsigned count = heap_shares(shares, SHARES);

    if (json)
        json_list(json, "policies");
    for (unsigned i = 0; i < count; i++) {
        const struct heap_share *share = &shares[i];
        if (!json) {
            reply_print(request, "  %-15s %-8s %lu blocks of %lu bytes in %lu spans of %lu KiB\n", share->policy,
                        share_state(share), share->blocks, share->bytes, share->spans, share->pages * PAGE_SIZE / KIB);
            continue;
        }
        json_object(json, NULL);
        json_text(json, "policy", share->policy);
        json_number(json, "number", share->number);
        json_text(json, "state", share_state(share));
        json_number(json, "blocks", share->blocks);
        json_number(json, "bytes", share->bytes);
        json_number(json, "spans", share->spans);
        json_number(json, "pages", share->pages);
        json_object_end(json);
    }
    if (json)
        json_list_end(json);
}

static int run_mem(struct request *request, struct failure *why)
{
    struct frames_count frames;
    struct vm_count vm;
    struct heap_count heap;

    (void)why;
    frames_count(&frames);
    vm_count(&vm);
    heap_count(&heap);
    struct json *json = reply_begin(request);
    if (!json) {
        reply_print(request,
                    "frames   %lu KiB: %lu free, %lu used, %lu of it page tables; %lu reserved besides; by %s\n",
                    frames.total * PAGE_SIZE / KIB, frames.free * PAGE_SIZE / KIB, frames.used * PAGE_SIZE / KIB,
                    arch_table_frames() * PAGE_SIZE / KIB, frames.reserved * PAGE_SIZE / KIB,
                    slot_find("frames")->occupant->name);
        reply_print(request, "ranges   %lu: %lu KiB reserved, %lu mapped\n", vm.ranges,
                    vm.reserved_pages * PAGE_SIZE / KIB, vm.mapped_pages * PAGE_SIZE / KIB);
        reply_print(request, "heap     %lu blocks of %lu bytes in %lu spans of %lu KiB\n", heap.blocks, heap.bytes,
                    heap.spans, heap.pages * PAGE_SIZE / KIB);
        show_shares(request, NULL);
        reply_print(request, "threads  %u\n", threads_count());
        return 0;
    }
    json_object(json, "frames");
    json_number(json, "total", frames.total);
    json_number(json, "free", frames.free);
    json_number(json, "used", frames.used);
    json_number(json, "tables", arch_table_frames());
    json_number(json, "reserved", frames.reserved);
    json_text(json, "policy", slot_find("frames")->occupant->name);
    json_object_end(json);
    json_object(json, "vm");
    json_number(json, "ranges", vm.ranges);
    json_number(json, "reserved_pages", vm.reserved_pages);
    json_number(json, "mapped_pages", vm.mapped_pages);
    json_object_end(json);
    json_object(json, "heap");
    json_number(json, "blocks", heap.blocks);
    json_number(json, "bytes", heap.bytes);
    json_number(json, "spans", heap.spans);
    json_number(json, "pages", heap.pages);
    show_shares(request, json);
    json_object_end(json);
    json_number(json, "threads", threads_count());
    return 0;
}

/* What `cpu` shows of one CPU; a copy, since it all changes. */
struct cpu_info {
    struct thread_info thread; /* the one that runs */
    uint32_t runnable;
    uint64_t load, ticks, interrupts;
    unsigned idle_percent; /* of the time since boot */
};

static void look_at_cpu(const struct cpu *cpu, struct cpu_info *info)
{
    uint32_t number = cpu->current->facts.thread;
    uint64_t cycles = clock_nanoseconds() / NANOSECONDS_IN_MICROSECOND * (sched_clock_hz / MICROSECONDS);

    *info = (struct cpu_info){.runnable = cpu->runnable,
                              .load = cpu->load,
                              .ticks = cpu->ticks,
                              .interrupts = cpu->interrupts,
                              .idle_percent = cycles ? (unsigned)(cpu->idle_cycles / (cycles / PERCENT + 1)) : 0};
    if (info->idle_percent > PERCENT)
        info->idle_percent = PERCENT;
    if (!thread_info_get(number, &info->thread)) /* it has ended since */
        info->thread = (struct thread_info){.number = number, .state = "ended"};
}

static void show_cpu(struct request *request, struct json *json, const struct cpu *cpu)
{
    struct cpu_info info;

    if (!cpu->online) {
        if (!json)
            reply_print(request, "%3u offline\n", cpu->index);
        return;
    }
    look_at_cpu(cpu, &info);
    if (!json) {
        reply_print(request, "%3u %6u %-16.16s %8u %8lu %10lu %10lu %4u%%\n", cpu->index, info.thread.number,
                    info.thread.name, info.runnable, info.load, info.ticks, info.interrupts, info.idle_percent);
        return;
    }
    json_object(json, NULL);
    json_number(json, "cpu", cpu->index);
    json_number(json, "tid", info.thread.number);
    json_text(json, "name", info.thread.name);
    json_number(json, "runnable", info.runnable);
    json_number(json, "load", info.load);
    json_number(json, "ticks", info.ticks);
    json_number(json, "interrupts", info.interrupts);
    json_number(json, "idle_percent", info.idle_percent);
    json_object_end(json);
}

static int run_cpu(struct request *request, struct failure *why)
{
    char features[256];

    (void)why;
    arch_cpu_describe(features, sizeof features);
    struct json *json = reply_begin(request);
    if (json) {
        json_text(json, "features", features);
        json_number(json, "clock_hz", sched_clock_hz);
        json_text(json, "clock_source", arch_clock_source());
        json_text(json, "timer", arch_timer_mode());
        json_list(json, "cpus");
    } else {
        reply_print(request, "%s\nclock %lu kHz from %s, timer %s\n", features, sched_clock_hz / 1000,
                    arch_clock_source(), arch_timer_mode());
        reply_print(request, "%3s %6s %-16s %8s %8s %10s %10s %5s\n", "CPU", "TID", "RUNS", "RUNNABLE", "LOAD", "TICKS",
                    "INTERRUPTS", "IDLE");
    }
    for (unsigned i = 0; i < cpu_count; i++)
        show_cpu(request, json, &cpus[i]);
    if (json)
        json_list_end(json);
    return 0;
}

static int run_uptime(struct request *request, struct failure *why)
{
    uint64_t nanoseconds = clock_nanoseconds(), microseconds = nanoseconds / NANOSECONDS_IN_MICROSECOND;
    uint64_t seconds = microseconds / MICROSECONDS;
    struct json *json = reply_begin(request);

    (void)why;
    if (json)
        json_number(json, "nanoseconds", nanoseconds);
    else
        reply_print(request, "up %lu:%02lu:%02lu.%06lu\n", seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE,
                    microseconds % MICROSECONDS);
    return 0;
}

static int run_poweroff(struct request *request, struct failure *why)
{
    struct json *json = reply_begin(request);

    if (!json)
        reply_write(request, "power off\n");
    reply_end(request);
    arch_power_off();
    return fail(why, -ENOTSUP, "the machine does not let itself be switched off; switch it off yourself");
}

static int run_reboot(struct request *request, struct failure *why)
{
    struct json *json = reply_begin(request);

    (void)why;
    if (!json)
        reply_write(request, "reboot\n");
    reply_end(request);
    arch_reboot();
}

const struct command mem_command = {
    .name = "mem",
    .form = "mem",
    .summary = "shows what memory there is and what uses it",
    .run = run_mem,
};

const struct command cpu_command = {
    .name = "cpu",
    .form = "cpu",
    .summary = "shows the CPUs, what they run, how busy they are",
    .run = run_cpu,
};

#define SLEEP_MAX 3600000 /* milliseconds */

static int run_sleep(struct request *request, struct failure *why)
{
    uint64_t milliseconds;
    int error = argument_number("the time", arguments_word(request->arguments, 1), 0, SLEEP_MAX, &milliseconds, why);

    if (!error)
        thread_sleep(milliseconds * 1000000);
    return error;
}

const struct command sleep_command = {
    .name = "sleep",
    .form = "sleep MILLISECONDS",
    .summary = "waits, while the machine goes on",
    .words_min = 1,
    .words_max = 1,
    .run = run_sleep,
};

const struct command uptime_command = {
    .name = "uptime",
    .form = "uptime",
    .summary = "shows the time since boot",
    .run = run_uptime,
};

const struct command poweroff_command = {
    .name = "poweroff",
    .form = "poweroff",
    .summary = "switches the machine off",
    .run = run_poweroff,
};

const struct command reboot_command = {
    .name = "reboot",
    .form = "reboot",
    .summary = "starts the machine anew",
    .run = run_reboot,
};
