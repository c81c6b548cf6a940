/*
 * control.h - stands in for arch/x86/control.h in hosted tests: the root of the tables and the flushes are the test's.
 */
#ifndef ARCH_X86_CONTROL_H
#define ARCH_X86_CONTROL_H

#include <stdint.h>

extern uint64_t control_root;
extern uintptr_t control_forgotten_page;
extern unsigned control_forgotten_all;

static inline uint64_t control_translation_root(void)
{
    return control_root;
}

static inline void control_forget_page(uintptr_t address)
{
    control_forgotten_page = address;
}

static inline void control_forget_all(void)
{
    control_forgotten_all++;
}

#endif
