/*
 * manifest.h - the text that lists the digests of a boot archive's objects: a first line that names the format, then
 * for each object 64 hexadecimal digits of SHA-256, two spaces, the name, as sha256sum prints them.
 *
 * Pure. Any context.
 */
#ifndef CORE_MANIFEST_H
#define CORE_MANIFEST_H

#include "core/signature.h"
#include <stdbool.h>

/* Does the text begin as a manifest of the format that this kernel reads? */
bool manifest_valid(const char *text, size_t bytes);

/* The digest of the first line for `name`; false: there is none, or it is no digest. */
bool manifest_find(const char *text, size_t bytes, const char *name, uint8_t expected[DIGEST_BYTES]);

#endif
