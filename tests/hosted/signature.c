/* sources: core/signature.c */
/*
 * signature.c - signatures that openssl made, and every way to spoil one.
 */
#include "core/signature.h"
#include "tests/hosted/signature/vectors.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRAILER sizeof(struct signature_trailer)
#define HALF 32

/* The order of P-256's group (SEC 2, 2.4.2). */
static const uint8_t order[HALF] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* Checks a copy that ends where its memory ends, so that a read beyond is noticed. */
static enum signature check(const uint8_t *file, size_t bytes)
{
    uint8_t *copy = malloc(bytes + !bytes);
    enum signature found;

    assert_non_null(copy);
    memcpy(copy, file, bytes);
    found = signature_check(copy, bytes, vector_key);
    free(copy);
    return found;
}

static void good(void **state)
{
    static const struct {
        const uint8_t *file;
        size_t bytes;
    } files[] = {
        {vector_nothing, sizeof vector_nothing}, {vector_abc, sizeof vector_abc}, {vector_long, sizeof vector_long}};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_int_equal(check(files[i].file, files[i].bytes), SIGNATURE_GOOD);
        assert_int_equal(signature_contents(files[i].file, files[i].bytes), files[i].bytes - TRAILER);
    }
    assert_int_equal(sizeof vector_abc - TRAILER, 3);
    assert_memory_equal(vector_abc, "abc", 3);
}

static void at_any_address(void **state)
{
    uint8_t room[sizeof vector_abc + 16];

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        memcpy(room + i, vector_abc, sizeof vector_abc);
        assert_int_equal(signature_check(room + i, sizeof vector_abc, vector_key), SIGNATURE_GOOD);
    }
}

/* Whichever byte is changed: it is not good, and not taken for unsigned unless the trailer cannot be found. */
static void changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vector_abc; i++) {
        uint8_t file[sizeof vector_abc];
        size_t place = i - 3; /* in the trailer */
        enum signature expected = SIGNATURE_WRONG;

        memcpy(file, vector_abc, sizeof file);
        file[i] ^= 1u << i % 8;
        if (i >= 3 && place >= offsetof(struct signature_trailer, magic))
            expected = SIGNATURE_NONE;
        else if (i >= 3 && place >= offsetof(struct signature_trailer, key) &&
                 place < offsetof(struct signature_trailer, length))
            expected = SIGNATURE_FOREIGN;
        assert_int_equal(check(file, sizeof file), expected);
    }
}

static void cut_and_extended(void **state)
{
    uint8_t file[sizeof vector_abc + 1] = {0};

    (void)state;
    for (size_t bytes = 0; bytes < sizeof vector_abc; bytes++) {
        assert_int_equal(check(vector_abc, bytes), SIGNATURE_NONE);
        assert_int_equal(signature_contents(vector_abc, bytes), bytes);
    }
    for (size_t first = 1; first <= 3; first++) /* the beginning is lost */
        assert_int_equal(check(vector_abc + first, sizeof vector_abc - first), SIGNATURE_WRONG);
    memcpy(file, vector_abc, sizeof vector_abc);
    assert_int_equal(check(file, sizeof file), SIGNATURE_NONE);
    memcpy(file + 1, vector_abc, sizeof vector_abc);
    assert_int_equal(check(file, sizeof file), SIGNATURE_WRONG);
}

static void another_key(void **state)
{
    uint8_t file[sizeof vector_abc], bad_point[SIGNATURE_KEY_BYTES];
    uint8_t id[DIGEST_BYTES];

    (void)state;
    assert_int_equal(signature_check(vector_abc, sizeof vector_abc, vector_other_key), SIGNATURE_FOREIGN);
    memcpy(file, vector_abc, sizeof file); /* it claims to be the other's */
    digest(vector_other_key, SIGNATURE_KEY_BYTES, id);
    memcpy(file + 3 + offsetof(struct signature_trailer, key), id, 16);
    assert_int_equal(signature_check(file, sizeof file, vector_other_key), SIGNATURE_WRONG);
    memcpy(bad_point, vector_key, sizeof bad_point); /* not on the curve */
    bad_point[SIGNATURE_KEY_BYTES - 1] ^= 1;
    digest(bad_point, sizeof bad_point, id);
    memcpy(file + 3 + offsetof(struct signature_trailer, key), id, 16);
    assert_int_equal(signature_check(file, sizeof file, bad_point), SIGNATURE_WRONG);
}

/* r and s must be from 1 to the order less one; no such pair may verify whatever is signed. */
static void halves_out_of_range(void **state)
{
    static const uint8_t zero[HALF];
    uint8_t most[HALF], one[HALF] = {[HALF - 1] = 1};
    const uint8_t *const values[] = {zero, order, most, one};

    (void)state;
    memset(most, 0xff, sizeof most);
    for (size_t r = 0; r < 4; r++) {
        for (size_t s = 0; s < 4; s++) {
            uint8_t file[sizeof vector_abc];

            memcpy(file, vector_abc, sizeof file);
            memcpy(file + 3, values[r], HALF);
            memcpy(file + 3 + HALF, values[s], HALF);
            assert_int_equal(check(file, sizeof file), SIGNATURE_WRONG);
        }
    }
}

/* FIPS 180-4's examples of SHA-256: nothing, "abc", and a million times "a". */
static void digests(void **state)
{
    static const uint8_t of_nothing[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                         0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                         0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    static const uint8_t of_abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                     0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                     0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    static const uint8_t of_million[] = {0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7,
                                         0xe2, 0x84, 0xd7, 0x3e, 0x67, 0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97,
                                         0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0};
    static char million[1000000];
    uint8_t result[DIGEST_BYTES];

    (void)state;
    digest("", 0, result);
    assert_memory_equal(result, of_nothing, sizeof result);
    digest("abc", 3, result);
    assert_memory_equal(result, of_abc, sizeof result);
    memset(million, 'a', sizeof million);
    digest(million, sizeof million, result);
    assert_memory_equal(result, of_million, sizeof result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),        cmocka_unit_test(at_any_address),
        cmocka_unit_test(changed),     cmocka_unit_test(cut_and_extended),
        cmocka_unit_test(another_key), cmocka_unit_test(halves_out_of_range),
        cmocka_unit_test(digests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
