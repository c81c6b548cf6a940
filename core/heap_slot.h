/*
 * heap_slot.h - the slot `heap`, for the table of slots.
 */
#ifndef CORE_HEAP_SLOT_H
#define CORE_HEAP_SLOT_H

#include "core/slot.h"

extern const struct slot_type heap_slot_type;

/* The built-in heap: core/fallback/heap_classes.c. */
extern const struct heap_ops heap_classes_ops;

#endif
