/*
 * smp.c - starts the other CPUs, one at a time.
 *
 * A CPU begins in real mode at a page below 1 MiB. The code there (smp_start.asm) is written through the direct map,
 * which is then made read-only for it, and mapped executable at its physical address for as long as the CPU needs it:
 * until it has arrived in smp_enter().
 *
 * Entry points: arch_cpu_start(), smp_started(). Concurrency: the bootstrap CPU starts, one other arrives; `arrived`
 * and `released` are each written by one side.
 */
#include "arch/x86/smp.h"
#include "arch/x86/firmware.h"
#include "arch/x86/local_apic.h"
#include "arch/x86/ports.h"
#include "arch/x86/timer.h"
#include "core/cpu.h"
#include "core/panic.h"
#include "core/rendezvous.h"
#include <arch/machine.h>
#include <arch/memory.h>
#include <arch/trap.h>
#include <moult/errors.h>
#include <string.h>

/* Defined in smp_start.asm. The first is no place in the image but an address: that of the page. */
extern char smp_start_page[];
extern const char smp_start_code[], smp_start_end[];

/* What a starting CPU takes over: at the end of the page's code, in the order that smp_start.asm reads. */
struct parameters {
    uint64_t cr0, cr3, cr4, efer;
    uint64_t cpu, stack_top, entry;
};

#define MSR_EFER 0xc0000080u
#define EFER_ACTIVE (1ul << 10) /* read-only */
#define INIT_DELAY 10000u       /* microseconds between the commands: SDM volume 3, 8.4.4.1 */
#define START_DELAY 200u
#define START_WAIT 5000000u /* an emulator's host may be busy */
#define POLLS_MIN 10000u

static volatile uint32_t arrived, released; /* a CPU's index */
static bool awaited;                        /* a CPU did not arrive in time; it may still, and then needs the page */
static volatile bool started[CPU_MAX] = {true};

bool smp_started(unsigned cpu)
{
    return started[cpu];
}

/* The first C of another CPU: on its own stack, GS at its struct cpu. */
static _Noreturn void smp_enter(struct cpu *cpu)
{
    uint32_t index = cpu->index;

    arch_cpu_features_init();
    arch_descriptors_init(cpu);
    started[index] = true;
    arrived = index;
    while (released != index)
        arch_relax();
    arch_flush_all(); /* the starting page is no longer mapped */
    cpu_main(cpu);
}

static void write_start_page(struct cpu *cpu, void *stack_top)
{
    struct parameters parameters = {
        .efer = msr_read(MSR_EFER) & ~EFER_ACTIVE,
        .cpu = (uintptr_t)cpu,
        .stack_top = (uintptr_t)stack_top,
        .entry = (uintptr_t)smp_enter,
    };
    size_t code = smp_start_end - smp_start_code;
    char *page = physical_to_virtual((uintptr_t)smp_start_page);

    __asm__ volatile("mov %%cr0, %0" : "=r"(parameters.cr0));
    __asm__ volatile("mov %%cr3, %0" : "=r"(parameters.cr3));
    __asm__ volatile("mov %%cr4, %0" : "=r"(parameters.cr4));
    ASSERT(parameters.cr3 <= UINT32_MAX && code + sizeof parameters <= PAGE_SIZE);
    memcpy(page, smp_start_code, code);
    memcpy(page + code, &parameters, sizeof parameters);
}

static int map_start_page(void)
{
    uintptr_t page = (uintptr_t)smp_start_page;
    uintptr_t alias = (uintptr_t)physical_to_virtual(page);
    int error = arch_protect(alias, PROTECTION_READ);

    if (error)
        return error;
    error = arch_map(page, page, PROTECTION_EXECUTE);
    if (error)
        arch_protect(alias, PROTECTION_WRITE);
    return error;
}

static void unmap_start_page(void)
{
    uintptr_t page = (uintptr_t)smp_start_page;

    arch_unmap(page);
    if (arch_protect((uintptr_t)physical_to_virtual(page), PROTECTION_WRITE) != 0)
        panic("the page at %p cannot be made writable again", (void *)page);
}

/* At least POLLS_MIN looks: an emulator's clock may jump while it runs the other CPU. */
static bool wait_for_arrival(uint32_t index, uint64_t microseconds)
{
    uint64_t end = arch_clock() + timer_microseconds(microseconds);

    for (unsigned polls = 0; polls < POLLS_MIN || arch_clock() < end; polls++) {
        if (arrived == index)
            return true;
        arch_relax();
    }
    return false;
}

static bool start(uint32_t index, uint32_t apic_id)
{
    uint32_t start_command = APIC_DELIVER_START | APIC_LEVEL_ASSERT | (uintptr_t)smp_start_page / PAGE_SIZE;

    local_apic_command(apic_id, APIC_DELIVER_INIT | APIC_LEVEL_ASSERT);
    timer_delay(INIT_DELAY);
    local_apic_command(apic_id, start_command);
    if (wait_for_arrival(index, START_DELAY))
        return true;
    local_apic_command(apic_id, start_command); /* for a CPU that missed it; one that did not, ignores it */
    return wait_for_arrival(index, START_WAIT);
}

int arch_cpu_start(unsigned index, struct cpu *cpu, void *stack_top)
{
    uint32_t apic_id = firmware_apic_id(index);

    ASSERT(index > 0 && cpu->index == index && !started[index]);
    if (!local_apic_reaches(apic_id))
        return -ENOTSUP;
    if (awaited)
        return -EBUSY;
    cpu->arch.apic_id = apic_id;
    write_start_page(cpu, stack_top);
    int error = map_start_page();
    if (error)
        return error;
    awaited = !start(index, apic_id);
    if (awaited)
        return -ETIMEDOUT;
    unmap_start_page();
    released = index;
    return 0;
}
