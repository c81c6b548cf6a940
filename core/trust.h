/*
 * trust.h - which objects are relocated into the kernel: those whose signature verifies with the built-in key. One
 * signature covers the manifest of the boot archive, with the objects that it lists; any other object carries its own.
 */
#ifndef CORE_TRUST_H
#define CORE_TRUST_H

#include <moult/errors.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Verifies the archive's manifest, and says in the log what is wrong with it. `archive` is where archive_init() was
 * told that it is. Once, on a thread.
 */
void trust_init(const void *archive, size_t bytes);

/*
 * May the file of the archive be linked into the kernel? *bytes, its size, becomes that of the object in it, without
 * the signature. What was found good once is not verified again: the archive lies in read-only memory. 0, or -ETRUST
 * with what to do in `why`. On a thread; one call at a time.
 */
int trust_check(const char *name, const void *file, size_t *bytes, struct failure *why);

/* False: the command line says trust=off, and every object may come in. From trust_init() on. */
bool trust_required(void);

/* For banners and answers: "on", "off"; and the sentence that goes with "off". */
const char *trust_word(void);
#define TRUST_OFF_SENTENCE "trust=off: any object is linked into the kernel, signed or not"

#endif
