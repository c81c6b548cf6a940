/*
 * trust.c - decides whether an object of the boot archive may be linked into the kernel.
 *
 * Entry points: trust_init() once, trust_check() under the registry's mutex, trust_required(). What is decided at boot
 * is constant; `verified` changes under that mutex.
 */
#include "core/trust.h"
#include "core/heap.h"
#include "core/log.h"
#include "core/manifest.h"
#include "core/module.h"
#include "core/options.h"
#include "core/signature.h"
#include <string.h>

#define MANIFEST "MANIFEST"
#define REMEDY "; sign it with `scripts/sign`, or boot with trust=off"
#define BLOCK 512 /* files in the archive begin at multiples of it */

static struct {
    bool off;
    const char *manifest; /* NULL: there is none that is trusted */
    size_t manifest_bytes;
    const uint8_t *archive;
    uint8_t *verified; /* one bit a block of the archive: the file that begins there was found good; NULL: no memory */
} trust;

static const char *flaw(enum signature found)
{
    static const char *const flaws[] = {
        [SIGNATURE_NONE] = "has no signature",
        [SIGNATURE_FOREIGN] = "is signed with another key than the one that is built into this kernel",
        [SIGNATURE_WRONG] = "was changed after it was signed",
    };
    return flaws[found];
}

static void read_manifest(void)
{
    const void *file;
    size_t bytes;
    enum signature found;
    if (!archive_find(MANIFEST, &file, &bytes)) {
        log_line("the boot archive has no " MANIFEST ": objects without a signature of their own are refused");
        return;
    }
    found = signature_check(file, bytes, trusted_key);
    if (found != SIGNATURE_GOOD) {
        log_line("the boot archive's " MANIFEST " %s: objects without a signature of their own are refused",
                 flaw(found));
        return;
    }
    bytes = signature_contents(file, bytes);
    if (!manifest_valid(file, bytes)) {
        log_line("the boot archive's " MANIFEST " is not of a form that this kernel reads: objects without a "
                 "signature of their own are refused");
        return;
    }
    trust.manifest = file;
    trust.manifest_bytes = bytes;
}

void trust_init(const void *archive, size_t bytes)
{
    const char *option = option_text("trust");
    trust.off = option && strcmp(option, "off") == 0;
    if (option && !trust.off && strcmp(option, "on") != 0)
        log_line("trust=%s is not known: there are on and off; it is on", option);
    if (trust.off || !archive_present())
        return;
    trust.archive = archive;
    trust.verified = heap_alloc_zeroed(1, bytes / BLOCK / 8 + 1);
    read_manifest();
}

bool trust_required(void)
{
    return !trust.off;
}

const char *trust_word(void)
{
    return trust.off ? "off" : "on";
}

/* One without a signature of its own: is it what the manifest says? */
static int check_listed(const char *name, const void *file, size_t bytes, struct failure *why)
{
    uint8_t expected[DIGEST_BYTES], found[DIGEST_BYTES];
    if (!trust.manifest)
        return fail(why, -ETRUST,
                    "%s has no signature, and the boot archive no " MANIFEST " that this kernel trusts" REMEDY, name);
    if (!manifest_find(trust.manifest, trust.manifest_bytes, name, expected))
        return fail(why, -ETRUST, "%s has no signature, and the boot archive's " MANIFEST " does not list it" REMEDY,
                    name);
    digest(file, bytes, found);
    if (memcmp(found, expected, sizeof(found)) != 0)
        return fail(why, -ETRUST, "%s was changed after the boot archive's " MANIFEST " was signed" REMEDY, name);
    return 0;
}

static int check(const char *name, const void *file, size_t bytes, struct failure *why)
{
    enum signature found = signature_check(file, bytes, trusted_key);
    if (found == SIGNATURE_NONE)
        return check_listed(name, file, bytes, why);
    if (found != SIGNATURE_GOOD)
        return fail(why, -ETRUST, "%s %s" REMEDY, name, flaw(found));
    return 0;
}

int trust_check(const char *name, const void *file, size_t *bytes, struct failure *why)
{
    size_t block = (size_t)((const uint8_t *)file - trust.archive) / BLOCK;
    uint8_t bit = (uint8_t)(1u << block % 8);
    if (!trust.off && !(trust.verified && trust.verified[block / 8] & bit)) {
        int result = check(name, file, *bytes, why);
        if (result != 0)
            return result;
        if (trust.verified)
            trust.verified[block / 8] |= bit;
    }
    *bytes = signature_contents(file, *bytes);
    return 0;
}
