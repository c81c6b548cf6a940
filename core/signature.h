/*
 * signature.h - the signature that a file carries at its end: ECDSA on P-256 over SHA-256, made by scripts/sign.
 *
 * Pure: the same in the kernel, in modcheck, and under the fuzzer. Any context; about 2.5 KiB of stack.
 */
#ifndef CORE_SIGNATURE_H
#define CORE_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_KEY_BYTES 65 /* a point of P-256, not compressed: 4, X, Y (SEC 1, 2.3.3) */
#define DIGEST_BYTES 32

enum signature {
    SIGNATURE_NONE,    /* the file ends without one */
    SIGNATURE_GOOD,    /* the key's, of just these contents */
    SIGNATURE_FOREIGN, /* of another key, as it says itself */
    SIGNATURE_WRONG,   /* it says that it is the key's, but does not fit the contents; or it is damaged */
};

/*
 * The last bytes of a signed file. Signed is all of the file but `halves`: the contents, and the rest of this. Numbers
 * are little-endian.
 */
struct signature_trailer {
    uint8_t halves[64]; /* r, then s, big-endian */
    uint8_t key[16];    /* the first bytes of the public key's SHA-256 */
    uint64_t length;    /* of the contents */
    uint32_t version;   /* 1 */
    uint32_t bytes;     /* of this */
    char magic[16];     /* SIGNATURE_MAGIC; last, to be found in any version */
};

#define SIGNATURE_MAGIC "moult signature\n"
#define SIGNATURE_VERSION 1

/* How many bytes of the file are contents: all but the trailer, where there is one. */
size_t signature_contents(const void *file, size_t bytes);

/* What the file's signature is worth to one who trusts `key`. */
enum signature signature_check(const void *file, size_t bytes, const uint8_t key[SIGNATURE_KEY_BYTES]);

/* SHA-256. */
void digest(const void *data, size_t bytes, uint8_t result[DIGEST_BYTES]);

/* The key that the build put in: build/trusted_key.c, made from KEY.pem. */
extern const uint8_t trusted_key[SIGNATURE_KEY_BYTES];

#endif
