/*
 * line_editor.h - the line being typed: editing, history and completion, on one row of an ANSI terminal.
 *
 * Bytes typed go in one at a time; what is to be shown goes out through a function, and what happened comes back as an
 * event. A line longer than the row is shown through a window that moves along it.
 */
#ifndef CORE_MONITOR_LINE_EDITOR_H
#define CORE_MONITOR_LINE_EDITOR_H

#include "core/monitor/arguments.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_LINES 64
#define EDITOR_COLUMNS 80
#define EDITOR_DRAWN_BYTES 128 /* the most that line_editor_draw() writes */

enum line_event {
    LINE_MORE,      /* still being edited */
    LINE_DONE,      /* Enter: the line is in `line`, terminated */
    LINE_TOO_LONG,  /* Enter, but characters had been refused: `line` is what there was room for */
    LINE_ABANDONED, /* ctrl-C */
};

struct line_editor {
    /* Set by the caller before line_editor_init(). */
    const char *prompt;                                            /* printable, shorter than half a row */
    void (*write)(void *context, const char *text, size_t length); /* "\n" is the start of a new row */
    /*
     * For completion: the next text that the word of `line` from `start` to `cursor` could become, or NULL. The cursor
     * `*state` is 0 for the first call. The text is used only until the next call.
     */
    const char *(*complete)(void *context, const char *line, size_t start, size_t cursor, size_t *state);
    void *context;

    /* The editor's own. */
    char line[LINE_LENGTH_MAX + 1]; /* always terminated */
    size_t length;
    size_t cursor;     /* 0 … length */
    size_t window;     /* the first character that is shown */
    bool refused;      /* characters were refused since the line last became shorter */
    bool after_return; /* the byte before was a carriage return: a newline after it is part of it */
    uint8_t escape;    /* where in an escape sequence it is */
    uint32_t escape_number, escape_modifier;          /* its parameters */
    uint32_t history_count;                           /* lines remembered since the start */
    uint32_t history_back;                            /* how far back the line shown is; 0: it is the one being typed */
    char candidate[LINE_LENGTH_MAX + 1];              /* the first one, while a word is completed */
    char typed[LINE_LENGTH_MAX + 1];                  /* that one, while another is shown */
    char history[HISTORY_LINES][LINE_LENGTH_MAX + 1]; /* line number n at n modulo HISTORY_LINES */
};

void line_editor_init(struct line_editor *editor);

/* Begins an empty line and shows the prompt. */
void line_editor_start(struct line_editor *editor);

/* Takes one byte. After an event other than LINE_MORE a new row has been begun, and line_editor_start() is due. */
enum line_event line_editor_feed(struct line_editor *editor, unsigned char byte);

/* Writes what is to stand on the row, from column 0 on, to `text` (EDITOR_DRAWN_BYTES); returns its length. */
size_t line_editor_draw(const struct line_editor *editor, char *text);

/* Where the word begins that ends at `cursor`: what completion replaces. */
size_t line_editor_word_start(const char *line, size_t cursor);

#endif
