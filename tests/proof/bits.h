/*
 * bits.h - what masks and shifts of 64-bit numbers are in terms of sums, which WP does not tell its provers.
 *
 * Read by `make proof` with loader/arithmetic.h; assumed there, and proved in bits.smt2.
 */
#include "loader/arithmetic.h"

/*@
  axiomatic bits {
    axiom split_16: \forall uint64_t n; (uint16_t)n == (uint8_t)n + 0x100 * (uint8_t)(n >> 8);
    axiom split_32: \forall uint64_t n; (uint32_t)n == (uint16_t)n + 0x10000 * (uint16_t)(n >> 16);
    axiom split_64: \forall uint64_t n; n == (uint32_t)n + 0x100000000 * (uint32_t)(n >> 32);
    axiom powers: \forall integer k; 0 <= k < 32 ==> 0 < (1 << k) <= 0x80000000;
    axiom power_3: is_power_of_two(8);
    axiom power_12: is_power_of_two(0x1000);
    axiom multiple_of_powers: \forall uint64_t n, integer j, k; 0 <= j <= k < 32 && is_multiple(n, 1 << k) ==>
        is_multiple(n, 1 << j);
    axiom multiple_of_pages: \forall uint64_t n, integer k; 12 <= k < 32 && is_multiple(n, 1 << k) ==>
        is_multiple(n, 0x1000);
    axiom mask: \forall uint64_t n, integer k; 0 <= k < 32 ==>
        n - (1 << k) < (n & (uint64_t)~((1 << k) - 1)) <= n;
    axiom mask_multiple: \forall uint64_t n, integer k; 0 <= k < 32 ==>
        is_multiple(n & (uint64_t)~((1 << k) - 1), 1 << k);
  }
*/
