/*
 * slots.c - the slots that slots.h describes: slot_fault() and contain_call().
 */
#include "slots.h"
#include "core/contain.h"
#include "core/slot.h"
#include "core/slot_call.h"
#include "core/swap.h"
#include <stdio.h>

const void *slots_ops[SLOT_KIND_COUNT];
unsigned slots_faults;
char slots_fault[160];
const struct slot_type *slots_handing_over;

void slot_fault(unsigned kind, const struct module *module, const char *what)
{
    (void)kind;
    if (slots_handing_over) {
        slots_handing_over->breach(module, what);
        return;
    }
    slots_faults++;
    snprintf(slots_fault, sizeof slots_fault, "%s", what);
}

bool swap_rescue_due(unsigned kind, const struct policy *policy)
{
    (void)kind, (void)policy;
    return false;
}

int contain_call(void (*function)(void *argument), void *argument, const struct module **module)
{
    *module = NULL;
    function(argument);
    return 0;
}

const char *contain_reason(void)
{
    return "";
}
