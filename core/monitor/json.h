/*
 * json.h - writes one JSON value, member by member, to wherever its caller says.
 */
#ifndef CORE_MONITOR_JSON_H
#define CORE_MONITOR_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 31

struct json {
    void (*write)(void *context, const char *text, size_t length);
    void *context;
    unsigned depth;  /* open objects and lists */
    uint32_t filled; /* bit n: the one at depth n has a member, so that a comma must come before the next */
};

/* Starts anew. Pure but for write(), as are all functions here; nothing is buffered. */
void json_init(struct json *json, void (*write)(void *context, const char *text, size_t length), void *context);

/*
 * One member each. `key` is NULL in a list and for the outermost value. Strings may hold any bytes: those that are not
 * printable ASCII are escaped, so that the output is ASCII on one line.
 */
void json_object(struct json *json, const char *key);
void json_list(struct json *json, const char *key);
void json_text(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, uint64_t number);
void json_signed(struct json *json, const char *key, int64_t number);
void json_address(struct json *json, const char *key, uint64_t address); /* "0x…" */
void json_bool(struct json *json, const char *key, bool value);

/* Closes the innermost object or list. */
void json_object_end(struct json *json);
void json_list_end(struct json *json);

#endif
