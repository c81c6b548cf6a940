/*
 * thread_table.h - what core/thread*.c share of the table of threads.
 */
#ifndef CORE_THREAD_TABLE_H
#define CORE_THREAD_TABLE_H

#include "core/thread.h"

/* The table's lock; interrupts are off while it is held. */
unsigned long thread_table_lock(void);
void thread_table_unlock(unsigned long flags);

/* By number; NULL: none. The table's lock is held: the thread stays while it is. */
struct thread *thread_find_locked(uint32_t number);

/* The entry of that index, whatever its state; NULL: there are no more. Entries are never taken away. Any context. */
struct thread *thread_table_entry(uint32_t index);

/* 0 if an affinity has a CPU that is online, else -EINVAL. */
int thread_check_affinity(uint64_t affinity);

#endif
