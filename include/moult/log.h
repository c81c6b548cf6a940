/*
 * log.h - the slot `log`: which of the log's lines the consoles show.
 *
 * The core owns every fact: the lines, their time stamps and their order, and that each is kept in the log whatever a
 * policy says (`log` prints them). A policy owns a choice: whether a line is shown now or held back. How many lines
 * were held back the consoles say before the next one that is shown.
 *
 * A policy defines a structure of its own, struct log_state, for which the core keeps the memory.
 *
 * Context of every function: interrupts off, any thread, interrupt handlers included; one call at a time; it must not
 * block and takes no lock. Only `state` and what was handed in may be touched.
 */
#ifndef MOULT_LOG_H
#define MOULT_LOG_H

#include <stddef.h>
#include <stdint.h>

#define LOG_STATE_BYTES 512 /* at most, for struct log_state */

/* Answers of choose(). */
enum log_choice { LOG_SHOW, LOG_HOLD, LOG_CHOICES };

/* One line. The text is there during the call only. */
struct log_facts {
    const char *text; /* without the time stamp, ended by a NUL */
    uint64_t length;  /* bytes of it */
    uint64_t now;     /* nanoseconds since boot */
    uint64_t held;    /* lines held back since one was shown */
};

/* Which fields of a record are valid. A policy sets those that it knows; the others keep what the core remembers. */
#define LOG_HAS_LAST (1u << 0)
#define LOG_HAS_ALLOWANCE (1u << 1)
#define LOG_RECORD_VERSION 1

/* What a policy must know of the lines that have been, as it passes from one to the next. */
struct log_record {
    uint32_t version;   /* LOG_RECORD_VERSION */
    uint32_t fields;    /* LOG_HAS_*; 0 at first */
    uint64_t last;      /* LOG_HAS_LAST: log_hash() of the line before */
    uint64_t allowance; /* LOG_HAS_ALLOWANCE: lines that may still be shown … */
    uint64_t since;     /* … as counted at this time, nanoseconds since boot */
};

struct log_state;

/* A policy's functions. */
struct log_ops {
    uint32_t state_bytes; /* sizeof(struct log_state) */
    uint32_t record_version;

    /* Makes `state`, which is zeroed, go on from the record. */
    void (*load)(struct log_state *state, const struct log_record *record);

    /*
     * Writes what a successor must know; after every choice. The record is zeroed but for its version. Returns the
     * record's size.
     */
    size_t (*save)(const struct log_state *state, struct log_record *record);

    /* What is to become of the line? One of enum log_choice. */
    unsigned (*choose)(struct log_state *state, const struct log_facts *line);
};

/* FNV-1a of 64 bits, over the text of a line. */
static inline uint64_t log_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

#endif
