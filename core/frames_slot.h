/*
 * frames_slot.h - the slot `frames`: which page allocator chooses the frames that core/frames.c gives out.
 */
#ifndef CORE_FRAMES_SLOT_H
#define CORE_FRAMES_SLOT_H

#include "core/slot.h"
#include <moult/frames.h>

extern const struct slot_type frames_slot_type;

/* The built-in page allocator: core/fallback/frames_first.c. */
extern const struct frames_ops frames_first_ops;

#endif
