/* sources: core/signature.c core/manifest.c */
/*
 * signature.c - any bytes as a signed file and as a manifest, and good signed files with any bytes changed: no read
 * beyond the end, and nothing is taken for good but what was signed.
 */
#include "core/signature.h"
#include "core/manifest.h"
#include "tests/hosted/signature/vectors.h"
#include <stdlib.h>
#include <string.h>

#define MUST(condition) ((condition) ? (void)0 : abort())
#define NAME_BYTES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct vector {
    const uint8_t *file;
    size_t bytes;
} vectors[] = {
    {vector_nothing, sizeof vector_nothing}, {vector_abc, sizeof vector_abc}, {vector_long, sizeof vector_long}};

static bool is_vector(const uint8_t *file, size_t size)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        if (size == vectors[i].bytes && memcmp(file, vectors[i].file, size) == 0)
            return true;
    return false;
}

static void check(const uint8_t *file, size_t size)
{
    size_t contents = signature_contents(file, size);
    enum signature found = signature_check(file, size, vector_key);

    MUST(contents <= size && (contents == size) == (found == SIGNATURE_NONE));
    MUST((found == SIGNATURE_GOOD) == is_vector(file, size));
}

/* Pairs of a place and what to change there, from the end, where the signature is. */
static void change(const struct vector *vector, const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(vector->bytes);

    MUST(file);
    memcpy(file, vector->file, vector->bytes);
    for (size_t i = 0; i + 1 < size; i += 2)
        file[vector->bytes - 1 - data[i] % vector->bytes] ^= data[i + 1];
    check(file, vector->bytes);
    free(file);
}

static void look_up(const char *text, size_t size)
{
    char name[NAME_BYTES + 1] = {0};
    uint8_t first[DIGEST_BYTES], again[DIGEST_BYTES];
    size_t length = size < NAME_BYTES ? size : NAME_BYTES;

    memcpy(name, text + size - length, length); /* what it ends with, so that it can be there */
    manifest_valid(text, size);
    if (!manifest_find(text, size, name, first))
        return;
    MUST(size >= 2 * DIGEST_BYTES + 2 + strlen(name));
    MUST(manifest_find(text, size, name, again) && memcmp(first, again, sizeof first) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + !size); /* of its own, so that a read beyond its end is noticed */

    MUST(copy);
    memcpy(copy, data, size);
    check(copy, size);
    look_up((const char *)copy, size);
    if (size)
        change(&vectors[data[0] % 3], data + 1, size - 1);
    free(copy);
    return 0;
}
