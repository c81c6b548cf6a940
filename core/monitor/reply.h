/*
 * reply.h - how commands answer: text for people, or one line of JSON.
 *
 * A reply holds the consoles from reply_begin() to reply_end(), so that it comes out whole.
 */
#ifndef CORE_MONITOR_REPLY_H
#define CORE_MONITOR_REPLY_H

#include "core/monitor/arguments.h"
#include "core/monitor/json.h"
#include <moult/errors.h>
#include <stdbool.h>

struct command;

/* One command line being executed. */
struct request {
    const struct command *command;
    const struct arguments *arguments;
    bool silent;   /* nothing but failures is shown: a boot script */
    bool replying; /* reply_begin() was called and reply_end() not yet */
    bool replied;  /* there was a reply */
    struct json json;
};

/*
 * Begins the answer of a command that went well. Returns the writer of its JSON object, in which `command` and `ok` are
 * already; or NULL: it is to be text. Thread context; holds the consoles.
 */
struct json *reply_begin(struct request *request);

/*
 * Text for people; at most REPLY_PRINT_BYTES - 1 characters a call. Between reply_begin() that returned NULL and
 * reply_end().
 */
#define REPLY_PRINT_BYTES 512
__attribute__((format(printf, 2, 3))) void reply_print(struct request *request, const char *format, ...);

/* The same, any length, as it is. */
void reply_write(struct request *request, const char *text);

/* Ends the answer. A command with a single answer leaves this to its caller. */
void reply_end(struct request *request);

/* The answer of a command that failed. `name` is what was typed as the command. */
void reply_failure(struct request *request, const char *name, const struct failure *why);

#endif
