/*
 * verify.c - the path of trust: what the signature of an object costs the first time that it is linked.
 *
 * Measured on the boot archive's manifest, which is signed as objects are. The check's SHA-256 is taken off, so that
 * the figure does not depend on how long the manifest is.
 */
#include "bench/bench.h"
#include "core/module.h"
#include "core/signature.h"
#include <arch/cpu.h>

#define SIGNED_FILE "MANIFEST"
#define KIB 1024

static uint64_t digest_cycles(const void *data, size_t bytes)
{
    uint8_t result[DIGEST_BYTES];
    uint64_t start = arch_clock();
    digest(data, bytes, result);
    return arch_clock() - start;
}

static int run_verify(struct bench *bench, struct failure *why)
{
    const void *file;
    size_t bytes;
    if (!archive_find(SIGNED_FILE, &file, &bytes) || signature_check(file, bytes, trusted_key) != SIGNATURE_GOOD)
        return fail(why, -ENOENT, "there is no " SIGNED_FILE " in the boot archive whose signature could be verified");
    for (int batch = 0; batch < BENCH_BATCHES; batch++) {
        uint64_t hash = digest_cycles(file, bytes), start = arch_clock(), cycles;
        signature_check(file, bytes, trusted_key);
        cycles = arch_clock() - start;
        bench_sample(bench, cycles - hash + bench->clock_pair, 1);
    }
    bench->plain = digest_cycles(file, bytes) * KIB / bytes;
    return 0;
}

const struct bench_path bench_verify = {
    .name = "verify", .summary = "an ECDSA signature", .cpus = 1, .plain_name = "digest_kib", .run = run_verify};
