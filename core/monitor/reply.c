/*
 * reply.c - replies to the consoles.
 *
 * Entry points: as in reply.h. Concurrency: the monitor's thread alone.
 */
#include "core/monitor/reply.h"
#include "core/console.h"
#include "core/monitor/commands.h"
#include <moult/text.h>
#include <string.h>

static void write_json(void *context, const char *text, size_t length)
{
    (void)context;
    console_write(CONSOLE_REPLY, text, length);
}

/* Begins the JSON object that every answer is. */
static void begin_object(struct request *request, const char *name, bool ok)
{
    json_init(&request->json, write_json, NULL);
    json_object(&request->json, NULL);
    json_text(&request->json, "command", name);
    json_bool(&request->json, "ok", ok);
}

struct json *reply_begin(struct request *request)
{
    console_hold();
    request->replying = request->replied = true;
    if (!request->arguments->json || request->silent)
        return NULL;
    begin_object(request, request->command->name, true);
    return &request->json;
}

void reply_write(struct request *request, const char *text)
{
    if (!request->silent)
        console_write(CONSOLE_REPLY, text, strlen(text));
}

void reply_print(struct request *request, const char *format, ...)
{
    char text[REPLY_PRINT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    reply_write(request, text);
}

void reply_end(struct request *request)
{
    if (request->arguments->json && !request->silent) {
        json_object_end(&request->json);
        console_write(CONSOLE_REPLY, "\n", 1);
    }
    request->replying = false;
    console_release();
}

void reply_failure(struct request *request, const char *name, const struct failure *why)
{
    const char *sentence = why->sentence[0] ? why->sentence : error_sentence(why->code);

    console_hold();
    request->replying = request->replied = true;
    if (request->arguments->json) {
        begin_object(request, name, false);
        json_text(&request->json, "error", error_name(why->code));
        json_text(&request->json, "message", sentence);
    } else {
        reply_print(request, "error: %s: %s: ", name, error_name(why->code));
        reply_write(request, sentence);
        reply_write(request, "\n");
    }
    reply_end(request);
}
