/*
 * json.c - the writer of JSON: commas, brackets and escapes.
 *
 * Entry points: as in json.h. Concurrency: a writer belongs to its caller; no state of its own.
 */
#include "core/monitor/json.h"
#include <moult/text.h>
#include <string.h>

static void put(struct json *json, const char *text)
{
    json->write(json->context, text, strlen(text));
}

/* A string with its quotes; stretches that need no escape go out in one piece. */
static void put_string(struct json *json, const char *text)
{
    char escape[8];

    put(json, "\"");
    while (*text) {
        size_t plain = 0;

        while (text[plain] >= ' ' && text[plain] < 127 && text[plain] != '"' && text[plain] != '\\')
            plain++;
        if (plain)
            json->write(json->context, text, plain);
        text += plain;
        if (!*text)
            break;
        unsigned char special = (unsigned char)*text++;
        bool simple = special == '"' || special == '\\';
        text_format(escape, sizeof escape, simple ? "\\%c" : "\\u%04x", special);
        put(json, escape);
    }
    put(json, "\"");
}

/* What comes before every value: a comma unless it is the first, and its key. */
static void begin_member(struct json *json, const char *key)
{
    uint32_t bit = 1u << json->depth;

    if (json->depth && (json->filled & bit))
        put(json, ",");
    json->filled |= bit;
    if (key) {
        put_string(json, key);
        put(json, ":");
    }
}

static void open(struct json *json, const char *key, const char *bracket)
{
    begin_member(json, key);
    put(json, bracket);
    if (json->depth < JSON_DEPTH_MAX)
        json->depth++;
    json->filled &= ~(1u << json->depth);
}

static void close(struct json *json, const char *bracket)
{
    if (json->depth)
        json->depth--;
    put(json, bracket);
}

void json_init(struct json *json, void (*write)(void *context, const char *text, size_t length), void *context)
{
    *json = (struct json){.write = write, .context = context};
}

void json_object(struct json *json, const char *key)
{
    open(json, key, "{");
}

void json_list(struct json *json, const char *key)
{
    open(json, key, "[");
}

void json_object_end(struct json *json)
{
    close(json, "}");
}

void json_list_end(struct json *json)
{
    close(json, "]");
}

void json_text(struct json *json, const char *key, const char *text)
{
    begin_member(json, key);
    put_string(json, text);
}

void json_number(struct json *json, const char *key, uint64_t number)
{
    char text[24];

    text_format(text, sizeof text, "%lu", (unsigned long)number);
    begin_member(json, key);
    put(json, text);
}

void json_signed(struct json *json, const char *key, int64_t number)
{
    char text[24];

    text_format(text, sizeof text, "%ld", (long)number);
    begin_member(json, key);
    put(json, text);
}

void json_address(struct json *json, const char *key, uint64_t address)
{
    char text[24];

    text_format(text, sizeof text, "0x%lx", (unsigned long)address);
    json_text(json, key, text);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin_member(json, key);
    put(json, value ? "true" : "false");
}
