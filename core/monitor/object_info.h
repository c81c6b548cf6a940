/*
 * object_info.h - what a module in the boot archive says of itself, without loading it.
 */
#ifndef CORE_MONITOR_OBJECT_INFO_H
#define CORE_MONITOR_OBJECT_INFO_H

#include "core/monitor/reply.h"
#include <moult/errors.h>

/*
 * Replies to `modinfo NAME` for a module that is not loaded. -ENOENT: it is not in the boot archive either; -ENOEXEC,
 * -ELINK, -ENOMEM.
 */
int object_info_reply(struct request *request, const char *name, struct failure *why);

#endif
