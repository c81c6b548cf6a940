/*
 * line_editor_private.h - what the parts of the line editor share.
 */
#ifndef CORE_MONITOR_LINE_EDITOR_PRIVATE_H
#define CORE_MONITOR_LINE_EDITOR_PRIVATE_H

#include "core/monitor/line_editor.h"

/* The byte that a key with ctrl sends. */
#define CONTROL(letter) ((letter)&0x1f)

/* Shows `text`; rings the bell; draws the row anew, with the cursor in sight. */
void line_put(struct line_editor *editor, const char *text);
void line_bell(struct line_editor *editor);
void line_redraw(struct line_editor *editor);

/* Puts `count` characters in at the cursor; refuses them all, with the bell, if there is no room. */
void line_insert(struct line_editor *editor, const char *text, size_t count);

/* Takes the characters from `from` to before `to` out and leaves the cursor there; the bell if there are none. */
void line_delete(struct line_editor *editor, size_t from, size_t to);

/* Puts the cursor before character `to`; the bell if that is outside. */
void line_move(struct line_editor *editor, size_t to);

/* Makes `text` (at most LINE_LENGTH_MAX characters) the line. */
void line_replace(struct line_editor *editor, const char *text);

/* Any byte but those that end a line: line_keys.c. */
void line_key(struct line_editor *editor, unsigned char byte);

/* The tab key: line_completion.c. */
void line_complete(struct line_editor *editor);

#endif
