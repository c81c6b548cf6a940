/*
 * cpu_features.c - finds out what a CPU can do and turns its protections on.
 *
 * All CPUs are given the same settings. A feature counts as there if every CPU has it; one that the bootstrap CPU
 * turned on and another CPU lacks would split the machine, so that is a panic.
 *
 * Entry points: arch_cpu_features_init(), cpu_has(), arch_cpu_describe(), arch_can_wait_for_write(). Concurrency: each
 * CPU for itself, one CPU at a time.
 */
#include "arch/x86/cpu_features.h"
#include "arch/x86/fpu.h"
#include "arch/x86/ports.h"
#include "core/panic.h"
#include <arch/machine.h>
#include <moult/text.h>
#include <string.h>

#define MSR_EFER 0xc0000080u
#define EFER_NO_EXECUTE (1u << 11)
#define CR0_WRITE_PROTECT (1ul << 16)
#define CR0_NOT_WRITE_THROUGH (1ul << 29)
#define CR0_CACHE_DISABLED (1ul << 30)

#define LEAF_BASIC 0u
#define LEAF_FEATURES 1u
#define LEAF_STRUCTURED 7u
#define LEAF_TOPOLOGY 0xbu
#define LEAF_EXTENDED 0x80000000u
#define LEAF_EXTENDED_FEATURES 0x80000001u
#define LEAF_BRAND 0x80000002u
#define BRAND_LEAVES 3u

enum cpuid_register { EBX, ECX, EDX };

/*
 * Where CPUID says that a feature is there (SDM volume 2, CPUID), and the bit of CR4 that turns it on, if there is
 * one.
 */
static const struct {
    const char *name;
    uint32_t leaf;
    enum cpuid_register where;
    unsigned bit;
    uint64_t cr4;
} features[CPU_FEATURES] = {
    [CPU_NX] = {"nx", LEAF_EXTENDED_FEATURES, EDX, 20, 0},
    [CPU_PGE] = {"pge", LEAF_FEATURES, EDX, 13, 1ul << 7},
    [CPU_SMEP] = {"smep", LEAF_STRUCTURED, EBX, 7, 1ul << 20},
    [CPU_SMAP] = {"smap", LEAF_STRUCTURED, EBX, 20, 1ul << 21},
    [CPU_UMIP] = {"umip", LEAF_STRUCTURED, ECX, 2, 1ul << 11},
    [CPU_FSGSBASE] = {"fsgsbase", LEAF_STRUCTURED, EBX, 0, 1ul << 16},
    [CPU_FXSR] = {"fxsr", LEAF_FEATURES, EDX, 24, 3ul << 9}, /* also SSE's own exceptions */
    [CPU_XSAVE] = {"xsave", LEAF_FEATURES, ECX, 26, 1ul << 18},
    [CPU_X2APIC] = {"x2apic", LEAF_FEATURES, ECX, 21, 0},
    [CPU_TSC_DEADLINE] = {"tsc-deadline", LEAF_FEATURES, ECX, 24, 0},
    [CPU_MONITOR] = {"monitor", LEAF_FEATURES, ECX, 3, 0},
};

static uint32_t common; /* a bit for each feature that every CPU so far has */
static bool common_known;

static bool leaf_exists(uint32_t leaf)
{
    return cpuid(leaf & LEAF_EXTENDED, 0).eax >= leaf;
}

static uint32_t own_features(void)
{
    uint32_t found = 0;

    for (unsigned i = 0; i < CPU_FEATURES; i++) {
        if (!leaf_exists(features[i].leaf))
            continue;
        struct cpuid id = cpuid(features[i].leaf, 0);
        uint32_t word = features[i].where == EBX ? id.ebx : features[i].where == ECX ? id.ecx : id.edx;
        found |= (word >> features[i].bit & 1) << i;
    }
    return found;
}

bool cpu_has(enum cpu_feature feature)
{
    return common >> feature & 1;
}

uint32_t cpu_own_apic_id(void)
{
    if (leaf_exists(LEAF_TOPOLOGY)) {
        struct cpuid topology = cpuid(LEAF_TOPOLOGY, 0);
        if (topology.ebx)
            return topology.edx;
    }
    return cpuid(LEAF_FEATURES, 0).ebx >> 24;
}

static void set_control_registers(void)
{
    uint64_t cr0, cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    for (unsigned i = 0; i < CPU_FEATURES; i++) {
        if (cpu_has(i))
            cr4 |= features[i].cr4;
    }
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    cr0 = (cr0 & ~(CR0_CACHE_DISABLED | CR0_NOT_WRITE_THROUGH)) | CR0_WRITE_PROTECT;
    __asm__ volatile("mov %0, %%cr0" ::"r"(cr0) : "memory");
}

void arch_cpu_features_init(void)
{
    uint32_t own = own_features();

    if (!common_known)
        common = own;
    else if ((own & common) != common)
        panic("this CPU (APIC id %u) has fewer features than the first one; leave it out with `cpus=`",
              cpu_own_apic_id());
    common_known = true;
    if (!cpu_has(CPU_NX) || !cpu_has(CPU_FXSR))
        panic("the CPU lacks %s, which this kernel needs; use a newer model", cpu_has(CPU_NX) ? "fxsr" : "nx");

    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NO_EXECUTE);
    set_control_registers();
    fpu_init();
}

/* Brand and vendor have a fixed width, filled with spaces or NULs. */
static void read_names(char vendor[13], char brand[49])
{
    struct cpuid id = cpuid(LEAF_BASIC, 0);
    size_t length = 0;

    memcpy(vendor, &id.ebx, 4);
    memcpy(vendor + 4, &id.edx, 4);
    memcpy(vendor + 8, &id.ecx, 4);
    vendor[12] = 0;
    for (uint32_t i = 0; i < BRAND_LEAVES && leaf_exists(LEAF_BRAND + i); i++) {
        id = cpuid(LEAF_BRAND + i, 0);
        memcpy(brand + length, &id, sizeof id);
        length += sizeof id;
    }
    brand[length] = 0;
    length = strlen(brand);
    while (length && brand[length - 1] == ' ')
        brand[--length] = 0;
}

void arch_cpu_describe(char *text, size_t capacity)
{
    char vendor[13], brand[49];

    read_names(vendor, brand);
    const char *model = brand;
    while (*model == ' ')
        model++;
    size_t length = text_format(text, capacity, "%s%s%s:", vendor, *model ? " " : "", model);
    for (unsigned i = 0; i < CPU_FEATURES && length < capacity; i++) {
        if (cpu_has(i))
            length += text_format(text + length, capacity - length, " %s", features[i].name);
    }
}

bool arch_can_wait_for_write(void)
{
    return cpu_has(CPU_MONITOR);
}
