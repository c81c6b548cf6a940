/*
 * console.h - the slot `console`: what each device is sent of what the kernel says.
 *
 * The core owns every fact: which devices there are, who writes, the text and its order, what has been sent, and the
 * bytes typed. A policy owns a choice: which devices a text goes to, and in what form. It gives bytes with
 * console_give(). When write() has returned, all that was given is sent; if it fails half-way nothing was, and the core
 * sends the text plainly to every device. So every text is said once.
 *
 * A policy defines a structure of its own, struct console_state, for which the core keeps the memory.
 *
 * Context of every function: interrupts off, any thread, interrupt handlers included; one call at a time; it must not
 * block and takes no lock. Only `state` and what was handed in may be touched.
 */
#ifndef MOULT_CONSOLE_H
#define MOULT_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_STATE_BYTES 512 /* at most, for struct console_state */
#define CONSOLE_TEXT_MAX 128    /* bytes of text in one call of write() */
#define CONSOLE_GIVE_MAX 1024   /* bytes that may be given for one device in one call */

/* The devices. Bits, since a text may go to several. */
#define CONSOLE_SERIAL (1u << 0) /* the first serial port */
#define CONSOLE_SCREEN (1u << 1) /* 80 × 25 characters; knows colours: ESC [ 30 … 37 m, and 0 */
#define CONSOLE_DEVICES 2
#define CONSOLE_ALL ((1u << CONSOLE_DEVICES) - 1)

/* Who says it. */
enum console_kind {
    CONSOLE_LOG,   /* a line of the log, or a part of one */
    CONSOLE_REPLY, /* the answer of a command */
    CONSOLE_EDIT,  /* the prompt and the line that is being typed, with what moves the cursor */
};

/*
 * A text, or the next part of one. Lines end with "\n", for which a device needs "\r\n". It is there during the call
 * only.
 */
struct console_facts {
    const char *text; /* may hold any byte but NUL */
    uint64_t length;  /* 1 … CONSOLE_TEXT_MAX bytes */
    uint32_t kind;    /* enum console_kind */
    uint32_t devices; /* those that there are */
};

/* Which fields of a record are valid. A policy sets those that it knows; the others keep what the core remembers. */
#define CONSOLE_HAS_ROW (1u << 0)
#define CONSOLE_RECORD_VERSION 1

/* What is under way on the row that is being written. */
enum console_row {
    CONSOLE_ROW_EMPTY, /* nothing has been written on it */
    CONSOLE_ROW_PLAIN,
    CONSOLE_ROW_LOG,
    CONSOLE_ROW_ERROR, /* it begins with "error: " */
    CONSOLE_ROWS
};

/* What a policy must know of what has been written, as it passes from one to the next. */
struct console_record {
    uint32_t version; /* CONSOLE_RECORD_VERSION */
    uint32_t fields;  /* CONSOLE_HAS_*; 0 at first */
    uint32_t row;     /* CONSOLE_HAS_ROW: enum console_row */
    uint32_t unused;  /* 0 */
};

#define CONSOLE_WRITTEN 1 /* what write() returns */

struct console_state;

/* A policy's functions. */
struct console_ops {
    uint32_t state_bytes; /* sizeof(struct console_state) */
    uint32_t record_version;

    /* Makes `state`, which is zeroed, go on from the record. */
    void (*load)(struct console_state *state, const struct console_record *record);

    /*
     * Writes what a successor must know; after every text. The record is zeroed but for its version. Returns the
     * record's size.
     */
    size_t (*save)(const struct console_state *state, struct console_record *record);

    /* Says a text: gives each device what it is to be sent. Returns CONSOLE_WRITTEN. */
    int (*write)(struct console_state *state, const struct console_facts *text);
};

/*
 * Gives `length` bytes to each of the devices, in write() alone, in the order in which they are to be sent. False: it
 * is not the time, or there would be more than CONSOLE_GIVE_MAX for one; nothing was given.
 */
bool console_give(unsigned devices, const char *bytes, size_t length);

/* Gives a text with every "\n" made "\r\n". As above. */
bool console_give_lines(unsigned devices, const char *text, size_t length);

#endif
