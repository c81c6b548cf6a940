/*
 * execute.h - from a line of text to a command that was run and has answered.
 */
#ifndef CORE_MONITOR_EXECUTE_H
#define CORE_MONITOR_EXECUTE_H

#include <moult/errors.h>
#include <stdbool.h>
#include <stddef.h>

/* Executes a line that was typed; what it has to say is on the consoles afterwards. The monitor's thread only. */
void execute_line(const char *line, size_t length);

/* Says that a line was too long to be executed; `line` is what there was room for. */
void execute_too_long(const char *line, size_t length);

/* Says why a line was not executed. */
void execute_refused(const char *line, size_t length, const struct failure *why);

/*
 * Executes a line of a boot script: shows nothing. 0, also for a blank line; an error and why. *ran: there was a
 * command on it.
 */
int execute_silently(const char *line, size_t length, bool *ran, struct failure *why);

#endif
