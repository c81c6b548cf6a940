/*
 * occupant.c - plays the swapper for the slot `heap`. See occupant.h.
 */
#include "occupant.h"
#include "core/frames.h"
#include "core/heap.h"
#include "core/heap_slot.h"
#include "core/slot_call.h"
#include "core/swap.h"
#include "core/vm.h"
#include "tests/hosted/machine/cpu.h"
#include "tests/hosted/machine/machine.h"
#include "tests/hosted/machine/slots.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const struct heap_ops slab_ops, firstfit_ops, tlsf_ops;
const struct heap_under_test heaps[HEAPS] = {
    {"heap-classes", &heap_classes_ops},
    {"heap-slab", &slab_ops},
    {"heap-firstfit", &firstfit_ops},
    {"heap-tlsf", &tlsf_ops},
};

unsigned cpu_count = OCCUPANT_CPUS;
unsigned occupant_breaches;
char occupant_said[FAILURE_SENTENCE];

static struct policy fallback = {.name = "heap-classes", .ops = &heap_classes_ops};
static struct policy others[2], *occupant;

void swap_rescue(unsigned kind, const char *what, ...)
{
    va_list arguments;

    assert_int_equal(kind, SLOT_KIND_HEAP);
    if (occupant == &fallback)
        fail_msg("the fallback was reported: %s", what);
    if (occupant_breaches++)
        return;
    va_start(arguments, what);
    vsnprintf(occupant_said, sizeof occupant_said, what, arguments);
    va_end(arguments);
}

static void put_in_place(struct policy *policy)
{
    heap_slot_type.install(policy);
    occupant = policy;
    slots_ops[SLOT_KIND_HEAP] = policy->ops;
}

void slot_start(unsigned kind)
{
    static struct failure why;

    assert_int_equal(kind, SLOT_KIND_HEAP);
    fallback.memory = NULL;
    assert_int_equal(heap_slot_type.validate(fallback.ops, &why), 0);
    assert_int_equal(heap_slot_type.reserve(&fallback, &why), 0);
    put_in_place(&fallback);
}

void heap_machine_start(size_t frames)
{
    struct memory_run run = {1, frames};

    machine_start(frames);
    frames_init(&run, 1);
    vm_init();
    heap_init();
}

void heap_machine_stop(void)
{
    machine_stop();
}

bool occupy(const char *name, const struct heap_ops *ops)
{
    static struct failure why;
    struct policy *from = occupant, *to = ops == fallback.ops ? &fallback : &others[occupant == &others[0]];
    int result;

    if (to == from) /* the fallback again */
        return true;
    if (to != &fallback) {
        *to = (struct policy){.ops = ops};
        snprintf(to->name, sizeof to->name, "%s", name);
        result = heap_slot_type.validate(ops, &why);
        if (!result)
            result = heap_slot_type.reserve(to, &why);
    } else {
        result = heap_slot_type.renew(to);
    }
    occupant_breaches = 0;
    if (result) {
        snprintf(occupant_said, sizeof occupant_said, "%s", why.sentence);
        return false;
    }
    put_in_place(to);
    assert_int_equal(heap_slot_type.renew(from), 0); /* it stands by, and is then given up */
    if (from != &fallback)
        heap_slot_type.release(from);
    heap_slot_type.tidy();
    return true;
}

void assert_sound(void)
{
    char details[256] = "";

    if (heap_check(details, sizeof details) || frames_check(details, sizeof details))
        fail_msg("%s", details);
}
