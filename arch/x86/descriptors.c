/*
 * descriptors.c - each CPU's GDT and TSS, and the one IDT.
 *
 * Double fault, NMI and machine check run on stacks of their own (IST), so that they work whatever the thread's stack
 * is: SDM volume 3, 6.14.5.
 */
#include "core/cpu.h"
#include "core/panic.h"
#include "core/vm.h"
#include <arch/trap.h>
#include <moult/errors.h>

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x28
#define IST_PAGES 2

/* Which interrupt stack a vector uses; 0: the present one. */
enum interrupt_stack { IST_NONE, IST_DOUBLE_FAULT, IST_NMI, IST_MACHINE_CHECK, IST_COUNT };

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const uint64_t vector_entries[256];

static struct gate idt[256] __attribute__((aligned(16)));
static uint8_t early_stack[PAGE_SIZE] __attribute__((aligned(16)));

static uint8_t vector_stack(unsigned vector)
{
    switch (vector) {
    case VECTOR_DOUBLE_FAULT:
        return IST_DOUBLE_FAULT;
    case VECTOR_NMI:
        return IST_NMI;
    case VECTOR_MACHINE_CHECK:
        return IST_MACHINE_CHECK;
    default:
        return IST_NONE;
    }
}

static void idt_fill(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t entry = vector_entries[vector];
        idt[vector] = (struct gate){
            .offset_low = (uint16_t)entry,
            .selector = SELECTOR_CODE,
            .ist = vector_stack(vector),
            .type = 0x8e, /* present, ring 0, interrupt gate: interrupts off on entry */
            .offset_middle = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
}

static void tss_descriptor(uint64_t *entry, const struct task_state *tss)
{
    uint64_t base = (uintptr_t)tss, limit = sizeof(*tss) - 1;
    entry[0] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    entry[1] = base >> 32;
}

static void load_tables(struct cpu *cpu)
{
    struct table_pointer gdt = {sizeof(cpu->arch.gdt) - 1, (uintptr_t)cpu->arch.gdt};
    struct table_pointer interrupts = {sizeof(idt) - 1, (uintptr_t)idt};
    __asm__ volatile("lgdt %0" ::"m"(gdt));
    __asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:" ::"i"(SELECTOR_CODE) : "rax", "memory");
    __asm__ volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es" ::"r"(SELECTOR_DATA));
    __asm__ volatile("ltr %w0" ::"r"(SELECTOR_TSS));
    __asm__ volatile("lidt %0" ::"m"(interrupts));
}

static void gs_base_set(const void *base)
{
    uint64_t value = (uintptr_t)base; /* IA32_GS_BASE */
    __asm__ volatile("wrmsr" ::"c"(0xc0000101), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void arch_descriptors_init(struct cpu *cpu)
{
    static const uint64_t flat[] = {0, 0x00209a0000000000, 0x0000920000000000, 0x0000f20000000000, 0x0020fa0000000000};
    if (cpu->index == 0)
        idt_fill();
    for (unsigned i = 0; i < sizeof(flat) / sizeof(flat[0]); i++)
        cpu->arch.gdt[i] = flat[i];
    for (unsigned i = IST_NONE + 1; i < IST_COUNT && cpu->index == 0; i++)
        cpu->arch.tss.ist[i - 1] = (uintptr_t)early_stack + sizeof(early_stack);
    cpu->arch.tss.io_map = sizeof(struct task_state);
    tss_descriptor(&cpu->arch.gdt[SELECTOR_TSS / 8], &cpu->arch.tss);
    load_tables(cpu);
    gs_base_set(cpu);
}

int arch_interrupt_stacks_init(struct cpu *cpu)
{
    for (unsigned i = IST_NONE + 1; i < IST_COUNT; i++) {
        uint8_t *stack = vm_alloc(IST_PAGES, true);
        if (!stack)
            return -ENOMEM;
        cpu->arch.tss.ist[i - 1] = (uintptr_t)stack + IST_PAGES * PAGE_SIZE;
    }
    return 0;
}
