/*
 * conversions.h - what it means to convert a number to an integer type of C, for WP, which tells its provers less.
 *
 * C11 6.3.1.3: a power of two is added or subtracted until the number is in range. (For signed types that is GCC's
 * definition.) Read by `make proof` before everything else; assumed, not proved.
 */
#include <stdint.h>

/*@
  axiomatic conversions {
    axiom to_8: \forall integer n; \exists integer k;
        0 <= n + 0x100 * k < 0x100 && (uint8_t)n == n + 0x100 * k;
    axiom to_16: \forall integer n; \exists integer k;
        0 <= n + 0x10000 * k < 0x10000 && (uint16_t)n == n + 0x10000 * k;
    axiom to_32: \forall integer n; \exists integer k;
        0 <= n + 0x100000000 * k < 0x100000000 && (uint32_t)n == n + 0x100000000 * k;
    axiom to_64: \forall integer n; \exists integer k;
        0 <= n + 0x10000000000000000 * k < 0x10000000000000000 && (uint64_t)n == n + 0x10000000000000000 * k;
    axiom to_s64: \forall integer n; \exists integer k;
        -0x8000000000000000 <= n + 0x10000000000000000 * k < 0x8000000000000000 &&
        (int64_t)n == n + 0x10000000000000000 * k;
  }
*/
