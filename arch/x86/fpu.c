/*
 * fpu.c - saving and restoring the floating-point and vector registers.
 *
 * With XSAVE where the CPU has it (x87, SSE, AVX, AVX-512), else with FXSAVE. CR0.TS refuses the unit to threads that
 * did not ask.
 *
 * Entry points: the functions of arch/fpu.h. Concurrency: each CPU for itself; the size and the components are
 * constant after boot.
 */
#include "arch/x86/fpu.h"
#include "arch/x86/cpu_features.h"
#include "core/panic.h"
#include <arch/fpu.h>
#include <stdint.h>
#include <string.h>

#define CR0_MONITOR (1ul << 1)
#define CR0_EMULATE (1ul << 2)
#define CR0_TASK_SWITCHED (1ul << 3)
#define CR0_NATIVE_ERRORS (1ul << 5)

/* Components of the extended state: SDM volume 1, 13.1. */
#define STATE_X87_SSE 3u
#define STATE_AVX (1u << 2)
#define STATE_AVX512 (7u << 5)
#define LEAF_STATE 0xdu

/* The legacy area: SDM volume 1, table 10-2. */
#define FXSAVE_BYTES 512u
#define FXSAVE_CONTROL 0
#define FXSAVE_MXCSR 24
#define CONTROL_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80u

static uint32_t components; /* of XCR0; 0: there is no XSAVE */
static size_t area_bytes;

static uint32_t choose_components(void)
{
    uint32_t supported = cpuid(LEAF_STATE, 0).eax;
    uint32_t chosen = STATE_X87_SSE | (supported & STATE_AVX);

    if ((chosen & STATE_AVX) && (supported & STATE_AVX512) == STATE_AVX512)
        chosen |= STATE_AVX512;
    return chosen;
}

void fpu_init(void)
{
    uint64_t cr0;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    cr0 = (cr0 & ~CR0_EMULATE) | CR0_MONITOR | CR0_NATIVE_ERRORS | CR0_TASK_SWITCHED;
    __asm__ volatile("mov %0, %%cr0" ::"r"(cr0) : "memory");

    if (!cpu_has(CPU_XSAVE)) {
        area_bytes = FXSAVE_BYTES;
        return;
    }
    uint32_t own = choose_components();
    if (components && own != components)
        panic("this CPU (APIC id %u) has other vector registers than the first one; leave it out with `cpus=`",
              cpu_own_apic_id());
    components = own;
    __asm__ volatile("xsetbv" ::"c"(0), "a"(components), "d"(0) : "memory");
    area_bytes = cpuid(LEAF_STATE, 0).ebx; /* for what XCR0 holds now */
}

size_t arch_fpu_bytes(void)
{
    return area_bytes;
}

void arch_fpu_init_state(void *area)
{
    static const uint16_t control = CONTROL_DEFAULT;
    static const uint32_t mxcsr = MXCSR_DEFAULT;

    memset(area, 0, area_bytes); /* XSAVE's header says thereby that every component is in its first state */
    memcpy((char *)area + FXSAVE_CONTROL, &control, sizeof control);
    memcpy((char *)area + FXSAVE_MXCSR, &mxcsr, sizeof mxcsr);
}

void arch_fpu_save(void *area)
{
    if (components)
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(components), "d"(0) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

void arch_fpu_restore(const void *area)
{
    if (components)
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(components), "d"(0) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

void arch_fpu_allow(bool allowed)
{
    uint64_t cr0;

    if (allowed) {
        __asm__ volatile("clts" ::: "memory");
        return;
    }
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | CR0_TASK_SWITCHED) : "memory");
}
