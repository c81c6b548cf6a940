/*
 * report.h - what modcheck says of one object, for people and as a line of JSON.
 */
#ifndef MODCHECK_REPORT_H
#define MODCHECK_REPORT_H

#include "core/signature.h"
#include "loader/loader.h"

/*
 * `error` is what loading came to, `why` its reason. `placed` tells whether loader_place() was reached, so that there
 * are addresses to show. Both write to standard output.
 */
void report_text(const char *file, const struct loader *loader, enum signature signature, int error,
                 const struct failure *why);
void report_json(const char *file, const struct loader *loader, bool placed, enum signature signature, int error,
                 const struct failure *why);

#endif
