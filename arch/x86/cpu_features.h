/*
 * cpu_features.h - what the CPUs can do, as far as the kernel uses it.
 */
#ifndef ARCH_X86_CPU_FEATURES_H
#define ARCH_X86_CPU_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

enum cpu_feature {
    CPU_NX,
    CPU_PGE,
    CPU_SMEP,
    CPU_SMAP,
    CPU_UMIP,
    CPU_FSGSBASE,
    CPU_FXSR,
    CPU_XSAVE,
    CPU_X2APIC,
    CPU_TSC_DEADLINE,
    CPU_MONITOR,
    CPU_FEATURES
};

/* Whether all CPUs that have run arch_cpu_features_init() have it. Any context. */
bool cpu_has(enum cpu_feature feature);

/* This CPU's APIC id. Works before the APIC is set up. */
uint32_t cpu_own_apic_id(void);

/* CPUID of a leaf and subleaf: SDM volume 2. A leaf that the CPU does not have gives the numbers of another one. */
struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid result;
    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(subleaf));
    return result;
}

#endif
