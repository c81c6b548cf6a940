/*
 * local_apic.c - the interrupt controller of each CPU.
 *
 * In x2APIC mode the registers are MSRs, else a page of memory at which every CPU sees its own. All CPUs are in the
 * same mode.
 *
 * Entry points: arch_interrupts_init(), arch_local_init(), arch_end_of_interrupt(), arch_send_*(). Concurrency: each
 * CPU has registers of its own; the two halves of a command are written with interrupts off.
 */
#include "arch/x86/local_apic.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/firmware.h"
#include "arch/x86/io_apic.h"
#include "arch/x86/legacy.h"
#include "arch/x86/ports.h"
#include "arch/x86/smp.h"
#include "core/panic.h"
#include "core/vm.h"
#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/machine.h>
#include <arch/memory.h>
#include <arch/trap.h>

#define MSR_APIC_BASE 0x1bu
#define APIC_BASE_ADDRESS 0x000ffffffffff000ul
#define APIC_BASE_X2 (1ul << 10)
#define APIC_BASE_ON (1ul << 11)
#define MSR_X2APIC 0x800u /* + register offset / 16 */

#define LEAF_FEATURES 1u
#define FEATURE_APIC (1u << 9)

#define SPURIOUS_ON 0x100u
#define COMMAND_PENDING (1u << 12)
#define COMMAND_POLLS_MAX 100000u
#define APIC_ID_SHIFT 24 /* outside x2APIC mode */
#define APIC_ID_BROADCAST 0xffu

static volatile uint8_t *registers; /* NULL: x2APIC mode */

uint32_t local_apic_read(unsigned reg)
{
    if (!registers)
        return msr_read(MSR_X2APIC + reg / 16);
    return *(volatile uint32_t *)(registers + reg);
}

void local_apic_write(unsigned reg, uint32_t value)
{
    if (registers)
        *(volatile uint32_t *)(registers + reg) = value;
    else
        msr_write(MSR_X2APIC + reg / 16, value);
}

bool local_apic_reaches(uint32_t apic_id)
{
    return !registers || apic_id < APIC_ID_BROADCAST;
}

/*
 * An APIC that keeps a command pending for ever is broken, and a panic would need it as well: the next command takes
 * its place.
 */
static void wait_for_command(void)
{
    for (unsigned polls = 0; polls < COMMAND_POLLS_MAX && (local_apic_read(APIC_COMMAND) & COMMAND_PENDING); polls++)
        arch_relax();
}

void local_apic_command(uint32_t apic_id, uint32_t command)
{
    if (!registers) {
        /* Writing this MSR does not wait for earlier stores: SDM volume 3, 10.12.3. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        msr_write(MSR_X2APIC + APIC_COMMAND / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    unsigned long flags = arch_interrupts_save();
    wait_for_command();
    local_apic_write(APIC_COMMAND_HIGH, apic_id << APIC_ID_SHIFT);
    local_apic_write(APIC_COMMAND, command);
    arch_interrupts_restore(flags);
}

void local_apic_command_within(uint32_t apic_id, uint32_t command)
{
    uint32_t high = registers ? local_apic_read(APIC_COMMAND_HIGH) : 0;
    local_apic_command(apic_id, command);
    if (registers) {
        wait_for_command();
        local_apic_write(APIC_COMMAND_HIGH, high);
    }
}

void arch_interrupts_init(void)
{
    if (!(cpuid(LEAF_FEATURES, 0).edx & FEATURE_APIC))
        panic(
            "this CPU has no local APIC, which the kernel's timer needs; switch it on in the firmware or the emulator");
    if (!cpu_has(CPU_X2APIC)) {
        registers = vm_map_device(msr_read(MSR_APIC_BASE) & APIC_BASE_ADDRESS, PAGE_SIZE);
        if (!registers)
            panic("no memory to map the local APIC; give the machine more");
    }
    legacy_silence();
    io_apic_init();
}

void arch_local_init(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE) | APIC_BASE_ON;

    msr_write(MSR_APIC_BASE,
              base); /* on first, then x2APIC mode: the way there is in two steps, SDM volume 3, 10.12.5 */
    if (!registers)
        msr_write(MSR_APIC_BASE, base | APIC_BASE_X2);
    local_apic_write(APIC_TASK_PRIORITY, 0);
    local_apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
    local_apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    local_apic_write(APIC_LVT_LINT1, APIC_DELIVER_NMI); /* where PCs have the machine's NMI */
    local_apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
    local_apic_write(APIC_SPURIOUS, SPURIOUS_ON | VECTOR_SPURIOUS);
}

void arch_end_of_interrupt(void)
{
    local_apic_write(APIC_END_OF_INTERRUPT, 0);
}

void arch_send_interrupt(unsigned cpu, unsigned vector)
{
    local_apic_command(firmware_apic_id(cpu), APIC_LEVEL_ASSERT | vector);
}

void arch_send_interrupt_others(unsigned vector)
{
    local_apic_command(0, APIC_ALL_OTHERS | APIC_LEVEL_ASSERT | vector);
}

/*
 * One by one: a CPU that the kernel has not started would handle it with the firmware's code, over the kernel's
 * memory.
 */
void arch_send_nmi_others(void)
{
    uint32_t own = cpu_own_apic_id();

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++) {
        if (smp_started(cpu) && firmware_apic_id(cpu) != own)
            local_apic_command(firmware_apic_id(cpu), APIC_LEVEL_ASSERT | APIC_DELIVER_NMI);
    }
}
