/*
 * monitor_slot.h - the slot `monitor`: a line that was typed becomes the commands it stands for.
 */
#ifndef CORE_MONITOR_MONITOR_SLOT_H
#define CORE_MONITOR_MONITOR_SLOT_H

#include "core/record_slot.h"
#include <moult/monitor.h>

extern const struct slot_type monitor_slot_type;
extern const struct record_slot monitor_record_slot;

/* The built-in policy: core/fallback/monitor_line.c. */
extern const struct monitor_ops monitor_line_ops;

/*
 * Asks what a line stands for. The commands are then taken one by one: a swap of the policy meanwhile does not touch
 * them. -EINVAL: nothing; `why` has the policy's sentence. The monitor's thread.
 */
int monitor_slot_read(const char *line, size_t length, struct failure *why);

/* The next command, ended by a NUL; false: there is none left. It is there until the next call. */
bool monitor_slot_next(const char **command, size_t *length);

#endif
