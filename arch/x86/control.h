/*
 * control.h - the privileged instructions that page tables need: the root of translation, and forgetting translations.
 *
 * Apart from paging.c so that a hosted test can put others in their place.
 */
#ifndef ARCH_X86_CONTROL_H
#define ARCH_X86_CONTROL_H

#include <arch/cpu.h>
#include <stdint.h>

#define CR4_PGE (1ul << 7) /* global pages; changing it forgets all translations: SDM volume 3, 4.10.4.1 */

/* CR3: the physical address of the top-level table, and flags in the bits that an address of a page does not have. */
static inline uint64_t control_translation_root(void)
{
    uint64_t root;
    __asm__ volatile("mov %%cr3, %0" : "=r"(root)::"memory");
    return root;
}

static inline void control_forget_page(uintptr_t address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

/* Interrupts are off in between, for nobody else to find the bit changed. */
static inline void control_forget_all(void)
{
    unsigned long flags = arch_interrupts_save();
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    __asm__ volatile("mov %0, %%cr4" ::"r"(value ^ CR4_PGE) : "memory");
    __asm__ volatile("mov %0, %%cr4" ::"r"(value) : "memory");
    arch_interrupts_restore(flags);
}

#endif
