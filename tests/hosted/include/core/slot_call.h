/*
 * slot_call.h - stands in for core/slot_call.h in hosted tests, by coming first in the order of includes.
 *
 * A slot is called through the ops table that tests/hosted/machine/slots.h has for it. Without one, and where an
 * optional function is left out, a call does nothing and returns 0.
 */
#ifndef CORE_SLOT_CALL_H
#define CORE_SLOT_CALL_H

#include "tests/hosted/machine/slots.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum slot_kind {
    SLOT_KIND_FRAMES,
    SLOT_KIND_HEAP,
    SLOT_KIND_COUNT,
};

static inline bool slot_has(enum slot_kind kind, size_t member)
{
    return !slots_ops[kind] || *(void *const *)((const uint8_t *)slots_ops[kind] + member);
}

#define SLOT_CALL2(kind, type, member, a, b)       \
    do {                                           \
        const struct type *ops_ = slots_ops[kind]; \
        if (ops_ && ops_->member)                  \
            ops_->member(a, b);                    \
    } while (0)
#define SLOT_CALL3(kind, type, member, a, b, c)    \
    do {                                           \
        const struct type *ops_ = slots_ops[kind]; \
        if (ops_ && ops_->member)                  \
            ops_->member(a, b, c);                 \
    } while (0)
#define SLOT_RESULT2(kind, type, member, a, b)                               \
    ({                                                                       \
        const struct type *ops_ = slots_ops[kind];                           \
        ops_ && ops_->member ? (uintptr_t)ops_->member(a, b) : (uintptr_t)0; \
    })
#define SLOT_RESULT3(kind, type, member, a, b, c, otherwise)                              \
    ({                                                                                    \
        const struct type *ops_ = slots_ops[kind];                                        \
        ops_ && ops_->member ? (uintptr_t)ops_->member(a, b, c) : (uintptr_t)(otherwise); \
    })
#define SLOT_RESULT4(kind, type, member, a, b, c, d)                               \
    ({                                                                             \
        const struct type *ops_ = slots_ops[kind];                                 \
        ops_ && ops_->member ? (uintptr_t)ops_->member(a, b, c, d) : (uintptr_t)0; \
    })

static inline void slot_returned(void)
{
}

#endif
