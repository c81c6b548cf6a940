/*
 * slot_call.h - stands in for core/slot_call.h in hosted tests, by coming first in the order of includes: a call of a
 * slot goes through the table of functions that the test has put there.
 */
#ifndef CORE_SLOT_CALL_H
#define CORE_SLOT_CALL_H

#include <stdint.h>

enum slot_kind {
    SLOT_KIND_HEAP,
    SLOT_KIND_COUNT,
};

/* The occupants' tables, by kind. */
extern const void *hosted_ops[SLOT_KIND_COUNT];

#define SLOT_FUNCTION(kind, ops, member) (((const struct ops *)hosted_ops[kind])->member)
#define SLOT_CALL2(kind, ops, member, a, b) SLOT_FUNCTION(kind, ops, member)(a, b)
#define SLOT_RESULT3(kind, ops, member, a, b, c, otherwise) ((uintptr_t)SLOT_FUNCTION(kind, ops, member)(a, b, c))
#define SLOT_RESULT4(kind, ops, member, a, b, c, d) ((uintptr_t)SLOT_FUNCTION(kind, ops, member)(a, b, c, d))

static inline void slot_returned(void)
{
}

#endif
