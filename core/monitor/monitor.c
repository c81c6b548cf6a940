/*
 * monitor.c - the monitor's thread: the boot script, then prompt, line, command, for ever.
 *
 * The line editor's state changes only while the consoles are held, and what is to stand on the last row is given to
 * them before they are released: so a line of the log can be shown at any time without asking the monitor.
 *
 * Entry point: monitor_main(), on an urgent thread of the core.
 */
#include "core/monitor/monitor.h"
#include "core/console.h"
#include "core/log.h"
#include "core/module.h"
#include "core/monitor/commands.h"
#include "core/monitor/execute.h"
#include "core/monitor/line_editor.h"
#include "core/monitor/monitor_slot.h"
#include <string.h>

#define BOOT_SCRIPT "boot.rc"
#define PROMPT "moult> "

_Static_assert(EDITOR_DRAWN_BYTES <= CONSOLE_FOOTER_BYTES, "the row fits the consoles' footer");

/* Executes one line of the boot script and says in the log how it went. */
static void run_boot_line(unsigned number, const char *line, size_t length)
{
    static struct failure failure;
    bool ran;
    int shown = length < 100 ? (int)length : 100;
    int error = execute_silently(line, length, &ran, &failure);

    if (error)
        log_line(BOOT_SCRIPT " line %u: %.*s: error: %s: %s", number, shown, line, error_name(error),
                 failure.sentence[0] ? failure.sentence : error_sentence(error));
    else if (ran)
        log_line(BOOT_SCRIPT " line %u: %.*s: done", number, shown, line);
}

static void run_boot_script(void)
{
    const void *bytes;
    size_t size;

    if (!archive_present()) {
        log_line("no boot archive: running on the built-in policies");
        return;
    }
    if (!archive_find(BOOT_SCRIPT, &bytes, &size)) {
        log_line("no " BOOT_SCRIPT " in the boot archive: running on the built-in policies");
        return;
    }
    const char *next = bytes, *end = next + size;
    for (unsigned number = 1; next < end; number++) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        size_t length = (size_t)((newline ? newline : end) - next);

        run_boot_line(number, next, length);
        next += length + (newline != NULL);
    }
}

static void write_console(void *context, const char *text, size_t length)
{
    (void)context;
    console_write(CONSOLE_EDIT, text, length);
}

/* Tells the consoles what to draw again after lines of the log. */
static void update_footer(const struct line_editor *editor)
{
    char text[EDITOR_DRAWN_BYTES];

    console_set_footer(text, line_editor_draw(editor, text));
}

/* Reads a line. */
static enum line_event edit_line(struct line_editor *editor)
{
    enum line_event event;

    console_hold();
    line_editor_start(editor);
    update_footer(editor);
    console_release();
    do {
        int byte = console_read();

        console_hold();
        event = line_editor_feed(editor, (unsigned char)byte);
        if (event == LINE_MORE)
            update_footer(editor);
        else
            console_set_footer("", 0);
        console_release();
    } while (event == LINE_MORE);
    return event;
}

/* Runs what the line stands for. A command may swap the policy that read the line: the rest stays to be run. */
static void run_line(const char *line, size_t length)
{
    static struct failure why;
    const char *command;

    if (monitor_slot_read(line, length, &why) != 0)
        execute_refused(line, length, &why);
    while (monitor_slot_next(&command, &length))
        execute_line(command, length);
}

void monitor_main(void *unused)
{
    static struct line_editor editor = {.prompt = PROMPT, .write = write_console, .complete = complete_line};

    (void)unused;
    run_boot_script();
    line_editor_init(&editor);
    for (;;) {
        enum line_event event = edit_line(&editor);

        if (event == LINE_DONE)
            run_line(editor.line, editor.length);
        else if (event == LINE_TOO_LONG)
            execute_too_long(editor.line, editor.length);
    }
}
