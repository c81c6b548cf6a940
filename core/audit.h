/*
 * audit.h - does anything still point into a module that is to leave?
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

struct module;

/*
 * Searches the stacks and saved registers of all threads and CPUs, what threads wait for, and the call sites of all
 * slots for addresses in the module. True: there is one, and `where` says it. What looks like an address counts as
 * one: a module may be kept in vain, but none leaves that is referred to. Thread context, interrupts on.
 */
bool audit_finds(const struct module *module, char *where, size_t where_bytes);

#endif
