/*
 * monitor.h - the slot `monitor`: what a line that was typed stands for.
 *
 * The core owns every fact: the keys and the line's editing, the line, the commands there are, the commands that are
 * still to be run, and their answers. A policy owns a choice: which commands the line stands for. It gives them with
 * monitor_give(). When read() has returned, they are run one after the other, and what is still to be run stays so when
 * one of them swaps the policy itself. If it fails half-way, the line is run as it was typed.
 *
 * A policy defines a structure of its own, struct monitor_state, for which the core keeps the memory.
 *
 * Context of every function: interrupts off, the monitor's thread; it must not block and takes no lock. Only `state`
 * and what was handed in may be touched.
 */
#ifndef MOULT_MONITOR_H
#define MOULT_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONITOR_STATE_BYTES 2048 /* at most, for struct monitor_state */
#define MONITOR_LINE_MAX 1023    /* characters of a line, and of a command */
#define MONITOR_GIVE_MAX 64      /* commands that a line may stand for */

/* Words that stand for others. */
#define MONITOR_ALIASES 8
#define MONITOR_ALIAS_NAME_BYTES 16   /* the terminator included */
#define MONITOR_ALIAS_WORDS_BYTES 112 /* the terminator included */

struct monitor_alias {
    char name[MONITOR_ALIAS_NAME_BYTES]; /* "": there is none here */
    char words[MONITOR_ALIAS_WORDS_BYTES];
};

/* Which fields of a record are valid. A policy sets those that it knows; the others keep what the core remembers. */
#define MONITOR_HAS_ALIASES (1u << 0)
#define MONITOR_RECORD_VERSION 1

/* What a policy must know of the lines before, as it passes from one to the next. */
struct monitor_record {
    uint32_t version;                              /* MONITOR_RECORD_VERSION */
    uint32_t fields;                               /* MONITOR_HAS_*; 0 at first */
    struct monitor_alias aliases[MONITOR_ALIASES]; /* MONITOR_HAS_ALIASES */
};

/* Answers of read(). */
#define MONITOR_READ 1    /* run what was given */
#define MONITOR_UNCLEAR 2 /* run nothing: monitor_refuse() has said why */

struct monitor_state;

/* A policy's functions. */
struct monitor_ops {
    uint32_t state_bytes; /* sizeof(struct monitor_state) */
    uint32_t record_version;

    /* Makes `state`, which is zeroed, go on from the record. */
    void (*load)(struct monitor_state *state, const struct monitor_record *record);

    /*
     * Writes what a successor must know; after every line. The record is zeroed but for its version. Returns the
     * record's size.
     */
    size_t (*save)(const struct monitor_state *state, struct monitor_record *record);

    /*
     * Which commands does the line stand for? It has `length` characters (0 … MONITOR_LINE_MAX), ended by a NUL.
     * Returns MONITOR_READ or MONITOR_UNCLEAR.
     */
    int (*read)(struct monitor_state *state, const char *line, size_t length);
};

/*
 * Gives a command; in read() alone. False: it is not the time, it is longer than MONITOR_LINE_MAX, or there are
 * MONITOR_GIVE_MAX already, or no room for their text (8 KiB).
 */
bool monitor_give(const char *text, size_t length);

/* Says, in read(), why the line makes no sense: one sentence, of which 127 bytes count. Returns MONITOR_UNCLEAR. */
int monitor_refuse(const char *sentence);

#endif
