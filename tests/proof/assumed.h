/*
 * assumed.h - what C says of its numbers and Frama-C's WP does not tell its provers. `make proof` reads it first.
 */
#include <stdbool.h>
#include <stdint.h>

/*@
  predicate is_power_of_two(integer n) = \exists integer k; 0 <= k < 32 && n == 1 << k;
  predicate is_multiple(integer n, integer unit) = n % unit == 0;

  axiomatic conversions {
    axiom to_8: \forall integer n; \exists integer k; 0 <= n + 0x100 * k < 0x100 && (uint8_t)n == n + 0x100 * k;
    axiom to_16: \forall integer n; \exists integer k; 0 <= n + 0x10000 * k < 0x10000 && (uint16_t)n == n + 0x10000 * k;
    axiom to_32: \forall integer n; \exists integer k; 0 <= n + 0x100000000 * k < 0x100000000 && (uint32_t)n == n + 0x100000000 * k;
    axiom to_64: \forall integer n; \exists integer k; 0 <= n + 0x10000000000000000 * k < 0x10000000000000000 && (uint64_t)n == n + 0x10000000000000000 * k;
    axiom to_s64: \forall integer n; \exists integer k; -0x8000000000000000 <= n + 0x10000000000000000 * k < 0x8000000000000000 && (int64_t)n == n + 0x10000000000000000 * k;
  }
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
