/*
 * arithmetic.h - the sums behind a relocation and a layout: ranges, fields, bounds, alignment.
 *
 * Pure functions, kept apart from the tables that they serve so that `make proof` can prove what their contracts say,
 * for every argument and without undefined behaviour. Contracts are in ACSL, whose numbers are unbounded integers: a
 * sum in a contract never wraps, one in C may. Any context.
 */
#ifndef LOADER_ARITHMETIC_H
#define LOADER_ARITHMETIC_H

#include "loader/loader.h"
#include <stdbool.h>
#include <stdint.h>

enum relocation_range {
    RANGE_ANY,      /* a field of 64 bits */
    RANGE_SIGNED,   /* the value, sign-extended from the field, is the same */
    RANGE_UNSIGNED, /* the value, zero-extended from the field, is the same */
    RANGE_EITHER,   /* one of the two */
};

/*@
  // Signed numbers of so many bytes go from -half to half - 1, unsigned ones from 0 to 2 * half - 1.
  logic integer half(integer bytes) =
      bytes == 1 ? 0x80 : bytes == 2 ? 0x8000 : bytes == 4 ? 0x80000000 : 0x8000000000000000;

  predicate fits_signed(uint64_t value, integer bytes) = -half(bytes) <= (int64_t)value < half(bytes);
  predicate fits_unsigned(uint64_t value, integer bytes) = value < 2 * half(bytes);
  predicate fits(integer range, uint64_t value, integer bytes) =
      range == RANGE_ANY      ? \true :
      range == RANGE_SIGNED   ? fits_signed(value, bytes) :
      range == RANGE_UNSIGNED ? fits_unsigned(value, bytes) : fits_signed(value, bytes) || fits_unsigned(value, bytes);

  // The number in a field, lowest byte first, without and with its sign.
  logic integer read_2{L}(uint8_t *field) = field[0] + 0x100 * field[1];
  logic integer read_4{L}(uint8_t *field) = read_2(field) + 0x10000 * read_2(field + 2);
  logic integer read_unsigned{L}(uint8_t *field, integer bytes) =
      bytes == 1 ? field[0] : bytes == 2 ? read_2(field) : bytes == 4 ? read_4(field) :
      read_4(field) + 0x100000000 * read_4(field + 4);
  logic integer read_signed{L}(uint8_t *field, integer bytes) =
      read_unsigned(field, bytes) < half(bytes) ? read_unsigned(field, bytes) :
      read_unsigned(field, bytes) - 2 * half(bytes);

  lemma signed_1: \forall uint64_t n; fits_signed(n, 1) ==>
      (int64_t)n == (uint8_t)n - ((uint8_t)n < 0x80 ? 0 : 0x100);
  lemma signed_2: \forall uint64_t n; fits_signed(n, 2) ==>
      (int64_t)n == (uint16_t)n - ((uint16_t)n < 0x8000 ? 0 : 0x10000);
  lemma signed_4: \forall uint64_t n; fits_signed(n, 4) ==>
      (int64_t)n == (uint32_t)n - ((uint32_t)n < 0x80000000 ? 0 : 0x100000000);
  lemma signed_8: \forall uint64_t n; (int64_t)n == n - (n < 0x8000000000000000 ? 0 : 0x10000000000000000);

  predicate is_power_of_two(integer n) = \exists integer k; 0 <= k < 32 && n == 1 << k;
  predicate is_multiple(integer n, integer unit) = n % unit == 0;

  // There is exactly one such number.
  predicate is_aligned_up(integer aligned, integer value, integer alignment) =
      value <= aligned < value + alignment && is_multiple(aligned, alignment);

  // A field relative to its place reaches its target: an address is a number modulo 2^64.
  check lemma reach: \forall uint64_t target, place;
      (uint64_t)(place + (int64_t)((uint64_t)(target - place))) == target;
*/

/* What a relocation computes, modulo 2^64. */
/*@
  assigns \nothing;
  ensures \result == (uint64_t)(first + addend - second);
*/
static inline uint64_t relocation_value(uint64_t first, int64_t addend, uint64_t second)
{
    uint64_t sum = first + (uint64_t)addend;

    /*@ assert sum == (uint64_t)(first + addend); */
    return sum - second;
}

/* Does the 64-bit number `value` fit a field of `bytes` bytes? Signed numbers are in two's complement. */
/*@
  requires range == RANGE_ANY || bytes == 1 || bytes == 2 || bytes == 4;
  assigns \nothing;
  behavior any:
    assumes range == RANGE_ANY;
    ensures \result == true;
  behavior one_byte:
    assumes range != RANGE_ANY && bytes == 1;
    ensures \result == true <==> fits(range, value, 1);
  behavior two_bytes:
    assumes range != RANGE_ANY && bytes == 2;
    ensures \result == true <==> fits(range, value, 2);
  behavior four_bytes:
    assumes range != RANGE_ANY && bytes == 4;
    ensures \result == true <==> fits(range, value, 4);
  complete behaviors;
  disjoint behaviors;
*/
static inline bool value_fits(enum relocation_range range, uint64_t value, unsigned bytes)
{
    uint64_t half;

    if (range == RANGE_ANY)
        return true;
    half = 1ull << (bytes * 8 - 1);
    if (range == RANGE_SIGNED)
        return value + half < 2 * half;
    if (range == RANGE_UNSIGNED)
        return value < 2 * half;
    return value + half < 3 * half;
}

/* Does a field of `bytes` bytes at `offset` lie within what has `size` bytes? */
/*@
  assigns \nothing;
  ensures \result == true <==> offset + bytes <= size;
*/
static inline bool field_lies_within(uint64_t offset, unsigned bytes, uint64_t size)
{
    return offset <= size && bytes <= size - offset;
}

/*@
  requires \valid(field + (0 .. 1));
  assigns field[0 .. 1];
  ensures read_2(field) == (uint16_t)value;
*/
static inline void field_write_2(uint8_t *field, uint64_t value)
{
    field[0] = (uint8_t)value;
    field[1] = (uint8_t)(value >> 8);
}

/*@
  requires \valid(field + (0 .. 3));
  assigns field[0 .. 3];
  ensures read_4(field) == (uint32_t)value;
*/
static inline void field_write_4(uint8_t *field, uint64_t value)
{
    field_write_2(field, value);
    field_write_2(field + 2, value >> 16);
}

/* Writes the lowest `bytes` bytes of `value`, the lowest first; compilers make one instruction of it. */
/*@
  requires bytes == 0 || bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
  requires \valid(field + (0 .. bytes - 1));
  assigns field[0 .. bytes - 1];
  ensures bytes > 0 && fits_unsigned(value, bytes) ==> read_unsigned(field, bytes) == value;
  ensures bytes > 0 && fits_signed(value, bytes) ==> read_signed(field, bytes) == (int64_t)value;
*/
static inline void field_write(uint8_t *field, uint64_t value, unsigned bytes)
{
    if (bytes == 8) {
        field_write_4(field, value);
        field_write_4(field + 4, value >> 32);
    } else if (bytes == 4) {
        field_write_4(field, value);
    } else if (bytes == 2) {
        field_write_2(field, value);
    } else if (bytes == 1) {
        field[0] = (uint8_t)value;
    }
}

/* Rounds down to a multiple of `alignment`. */
/*@
  requires is_power_of_two(alignment);
  assigns \nothing;
  ensures value - alignment < \result <= value;
  ensures is_multiple(\result, alignment);
*/
static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

/* Rounds up to a multiple of `alignment`. */
/*@
  requires is_power_of_two(alignment) && value <= 2 * LOADER_BYTES_MAX;
  assigns \nothing;
  ensures is_aligned_up(\result, value, alignment);
*/
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return align_down(value + alignment - 1, alignment);
}

/* Takes `bytes` at the next multiple of `alignment` from *end on; false if an image would become too large. */
/*@
  requires \valid(end) && \valid(offset) && \separated(end, offset);
  requires is_power_of_two(alignment) && *end <= 2 * LOADER_BYTES_MAX;
  assigns *end, *offset;
  ensures \result == true ==> is_aligned_up(*offset, \old(*end), alignment) && *end == *offset + bytes;
  ensures \result == true ==> *end <= LOADER_BYTES_MAX;
  ensures \result == false ==> *end == \old(*end) && *offset == \old(*offset);
  ensures \result == false ==>
      \exists integer start; is_aligned_up(start, *end, alignment) && start + bytes > LOADER_BYTES_MAX;
*/
static inline bool take_bytes(uint64_t *end, uint64_t bytes, uint64_t alignment, uint64_t *offset)
{
    uint64_t start = align_up(*end, alignment);

    if (start > LOADER_BYTES_MAX || bytes > LOADER_BYTES_MAX - start)
        return false;
    *offset = start;
    *end = start + bytes;
    return true;
}

#endif
