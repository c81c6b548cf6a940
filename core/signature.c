/*
 * signature.c - finds and verifies the signature at the end of a file, with BearSSL's SHA-256 and ECDSA.
 *
 * Pure. Entry points: signature_check(), signature_contents(), digest(). Concurrency: no state.
 */
#include "core/signature.h"
#include <bearssl_ec.h>
#include <bearssl_hash.h>
#include <stdbool.h>
#include <string.h>

_Static_assert(sizeof(struct signature_trailer) == 112 && sizeof(SIGNATURE_MAGIC) == 17, "as scripts/sign writes it");

#define MAGIC_BYTES sizeof(((struct signature_trailer *)NULL)->magic)

static bool has_trailer(const uint8_t *file, size_t bytes)
{
    return bytes >= sizeof(struct signature_trailer) &&
           memcmp(file + bytes - MAGIC_BYTES, SIGNATURE_MAGIC, MAGIC_BYTES) == 0;
}

size_t signature_contents(const void *file, size_t bytes)
{
    return has_trailer(file, bytes) ? bytes - sizeof(struct signature_trailer) : bytes;
}

static bool verify(const void *file, size_t contents, const struct signature_trailer *trailer, const uint8_t *key)
{
    br_ec_public_key public = {.curve = BR_EC_secp256r1, .q = (unsigned char *)key, .qlen = SIGNATURE_KEY_BYTES};
    uint8_t hash[DIGEST_BYTES];
    br_sha256_context context;
    br_sha256_init(&context);
    br_sha256_update(&context, file, contents);
    br_sha256_update(&context, trailer->key, sizeof(*trailer) - offsetof(struct signature_trailer, key));
    br_sha256_out(&context, hash);
    return br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, hash, sizeof(hash), &public, trailer->halves,
                                 sizeof(trailer->halves)) == 1;
}

enum signature signature_check(const void *file, size_t bytes, const uint8_t key[SIGNATURE_KEY_BYTES])
{
    struct signature_trailer trailer; /* a copy: in the file it may lie at any address */
    uint8_t id[DIGEST_BYTES];
    if (!has_trailer(file, bytes))
        return SIGNATURE_NONE;
    memcpy(&trailer, (const uint8_t *)file + bytes - sizeof(trailer), sizeof(trailer));
    if (trailer.version != SIGNATURE_VERSION || trailer.bytes != sizeof(trailer) ||
        trailer.length != bytes - sizeof(trailer))
        return SIGNATURE_WRONG;
    digest(key, SIGNATURE_KEY_BYTES, id);
    if (memcmp(id, trailer.key, sizeof(trailer.key)) != 0)
        return SIGNATURE_FOREIGN;
    return verify(file, bytes - sizeof(trailer), &trailer, key) ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}

void digest(const void *data, size_t bytes, uint8_t result[DIGEST_BYTES])
{
    br_sha256_context context;
    br_sha256_init(&context);
    br_sha256_update(&context, data, bytes);
    br_sha256_out(&context, result);
}
