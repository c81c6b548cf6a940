/*
 * log_slot.h - the slot `log`: asking its policy whether the consoles show a line.
 */
#ifndef CORE_LOG_SLOT_H
#define CORE_LOG_SLOT_H

#include "core/record_slot.h"
#include <moult/log.h>
#include <stdbool.h>

extern const struct slot_type log_slot_type;
extern const struct record_slot log_record_slot;

/* The built-in policy: core/fallback/log_all.c. */
extern const struct log_ops log_all_ops;

/*
 * Are the consoles to show the line (stamp included, NUL at its end)? *held: how many were held back since one was
 * shown. Any context; by the owner of the consoles.
 */
bool log_slot_shows(const char *line, size_t length, uint64_t *held);

#endif
