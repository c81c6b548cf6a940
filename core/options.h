/*
 * options.h - the words of the kernel's command line: `key=value` or `key`.
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

void options_init(const char *line);

/*
 * The value of `key`: "" for a bare word, NULL when it is not there. Points into the stored line, where words end in
 * NUL.
 */
const char *option_text(const char *key);

/* A numeric value, or `otherwise` when it is missing or no number. */
uint64_t option_number(const char *key, uint64_t otherwise);

#endif
