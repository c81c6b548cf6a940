/*
 * main.c - the order in which the kernel comes to life on the bootstrap CPU.
 */
#include "core/console.h"
#include "core/cpu.h"
#include "core/frames.h"
#include "core/heap.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/module.h"
#include "core/monitor/monitor.h"
#include "core/options.h"
#include "core/panic.h"
#include "core/rendezvous.h"
#include "core/schedule.h"
#include "core/slot.h"
#include "core/swap.h"
#include "core/symbols.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/trust.h"
#include "core/vm.h"
#include <arch/boot.h>
#include <arch/interrupts.h>
#include <arch/machine.h>
#include <arch/patch.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <arch/watchdog.h>

_Noreturn void boot_main(uint32_t information);

static struct boot_info boot;

static void screen_init(void)
{
    if (boot.screen == BOOT_SCREEN_TEXT)
        arch_screen_init();
    else if (boot.screen == BOOT_SCREEN_TEXT_AT)
        arch_screen_use(boot.screen_base, boot.screen_columns, boot.screen_rows);
}

static void memory_init(uint32_t information)
{
    char complaint[80];
    bool usable = multiboot_read(information, &boot, complaint, sizeof(complaint));
    options_init(boot.command_line);
    if (complaint[0])
        log_line("%s", complaint);
    if (!usable)
        panic("the boot loader gave no memory map");
    screen_init();
    arch_cpu_features_init();
    arch_kernel_map(&boot);
    frames_init(boot.runs, boot.run_count);
    arch_kernel_protect(&boot);
    vm_init();
    if (arch_patch_init() != 0)
        panic("there is no memory for the patching of calls: give the machine more");
    heap_init();
}

static void machine_init(void)
{
    if (arch_interrupt_stacks_init(&cpus[0]) != 0)
        panic("there is no memory for the first CPU: give the machine more");
    arch_acpi_init(boot.rsdp.bytes, boot.rsdp.size);
    smp_count();
    arch_interrupts_init();
    arch_local_init();
    time_init();
    arch_timer_init();
}

static void banner(void)
{
    log_line("Moult on %u CPUs%s", cpu_count, trust_required() ? "" : "; " TRUST_OFF_SENTENCE);
}

/* The rest, as the first thread: it may wait. */
static void start_main(void *unused)
{
    (void)unused;
    irq_init();
    smp_start();
    trust_init(boot.archive.bytes, boot.archive.size);
    banner();
    swap_init();
    if (!arch_watchdog_start())
        log_line("there is no watchdog: a policy that hangs with interrupts off will not be noticed");
    monitor_main(NULL);
}

void boot_main(uint32_t information)
{
    cpu_prepare(&cpus[0], 0);
    arch_serial_init();
    arch_descriptors_init(&cpus[0]);
    console_init();
    memory_init(information);
    symbols_init(boot.symtab.bytes, boot.symtab.size, boot.strtab.bytes, boot.strtab.size);
    archive_init(boot.archive.bytes, boot.archive.size);
    machine_init();
    slots_init();
    threads_init();
    cpus[0].online = true;
    threads_start_reaper();
    if (thread_create_core("monitor", true, start_main, NULL) < 0)
        panic("there is no memory for the monitor: give the machine more");
    schedule_idle();
}
