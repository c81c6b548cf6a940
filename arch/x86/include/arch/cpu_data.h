/*
 * cpu_data.h - the machine's part of struct cpu: descriptor tables and interrupt stacks, one set a CPU.
 */
#ifndef ARCH_CPU_DATA_H
#define ARCH_CPU_DATA_H

#include <stdint.h>

/* 64-bit task state segment: SDM volume 3, 8.7. */
struct task_state {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));

#define GDT_ENTRIES 7 /* null, kernel code, kernel data, user data, user code, and two for the TSS */

struct arch_cpu {
    uint32_t apic_id;
    uint64_t gdt[GDT_ENTRIES];
    struct task_state tss __attribute__((aligned(16)));
};

#endif
