/*
 * acpi_sleep.c - finds in AML what to write into the power registers to switch the machine off.
 *
 * Only one object of the whole byte code is wanted: Name (_S5_, Package () {type A, type B, ...}). It is looked for
 * by its name and then parsed strictly, without an interpreter; firmware has it as constants.
 *
 * Entry point: acpi_find_sleep_types(). Concurrency: pure, no state.
 */
#include "arch/x86/acpi.h"
#include <string.h>

/* AML encodings: ACPI 6.3, 20.2. */
#define AML_ZERO 0x00
#define AML_ONE 0x01
#define AML_NAME 0x08
#define AML_BYTE 0x0a
#define AML_WORD 0x0b
#define AML_DWORD 0x0c
#define AML_PACKAGE 0x12
#define AML_ROOT '\\'
#define SLEEP_TYPE_MAX 7 /* three bits in the control register */

/* What is left of the code. */
struct cursor {
    const uint8_t *at;
    size_t left;
};

static bool take(struct cursor *cursor, uint8_t *byte)
{
    if (!cursor->left)
        return false;
    *byte = *cursor->at++;
    cursor->left--;
    return true;
}

/*
 * A package's length is one to four bytes; how many more there are is in the first one's top bits. The length itself
 * is not needed.
 */
static bool skip_length(struct cursor *cursor)
{
    uint8_t first, rest;

    if (!take(cursor, &first))
        return false;
    for (unsigned i = 0; i < first >> 6; i++) {
        if (!take(cursor, &rest))
            return false;
    }
    return true;
}

static bool take_integer(struct cursor *cursor, uint8_t *value)
{
    uint8_t prefix, high = 0;
    unsigned more;

    if (!take(cursor, &prefix))
        return false;
    if (prefix == AML_ZERO || prefix == AML_ONE) {
        *value = prefix;
        return true;
    }
    switch (prefix) {
    case AML_BYTE:
        more = 0;
        break;
    case AML_WORD:
        more = 1;
        break;
    case AML_DWORD:
        more = 3;
        break;
    default:
        return false;
    }
    if (!take(cursor, value))
        return false;
    while (more--) {
        if (!take(cursor, &high) || high)
            return false;
    }
    return *value <= SLEEP_TYPE_MAX;
}

static bool parse_package(struct cursor cursor, uint8_t *type_a, uint8_t *type_b)
{
    uint8_t opcode, elements, a, b;

    if (!take(&cursor, &opcode) || opcode != AML_PACKAGE || !skip_length(&cursor) || !take(&cursor, &elements))
        return false;
    if (elements < 1 || !take_integer(&cursor, &a))
        return false;
    b = a;
    if (elements >= 2 && !take_integer(&cursor, &b))
        return false;
    *type_a = a;
    *type_b = b;
    return true;
}

bool acpi_find_sleep_types(const uint8_t *aml, size_t bytes, uint8_t *type_a, uint8_t *type_b)
{
    for (size_t i = 1; i < bytes && bytes - i > 4; i++) {
        if (memcmp(aml + i, "_S5_", 4))
            continue;
        bool named = aml[i - 1] == AML_NAME || (i >= 2 && aml[i - 1] == AML_ROOT && aml[i - 2] == AML_NAME);
        if (named && parse_package((struct cursor){aml + i + 4, bytes - i - 4}, type_a, type_b))
            return true;
    }
    return false;
}
