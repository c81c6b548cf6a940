/* sources: tests/hosted/loader/builder.c loader/loader.c loader/object.c loader/layout.c loader/symbols.c
   loader/image.c loader/relocate.c loader/x86_64.c loader/admit.c loader/arrays.c loader/sort.c loader/declaration.c
   core/text.c core/errors.c */
/*
 * loader_admit.c - which modules a kernel takes that has slots of type "sched" and exports "thread_yield", and has a
 * module "m-a" in it that exports "taken".
 */
#include "tests/hosted/loader/builder.h"
#include <moult/errors.h>
#include <moult/module.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0xffffffffa0000000ull
#define ABI 0x1234u
#define OPS_BYTES 40u

static bool slot_type(void *context, const char *name, uint64_t *abi, uint64_t *ops_bytes)
{
    (void)context;
    *abi = ABI;
    *ops_bytes = OPS_BYTES;
    return strcmp(name, "sched") == 0;
}

static const char *exporter(void *context, const char *name)
{
    (void)context;
    if (strcmp(name, "taken") == 0)
        return "m-a";
    return strcmp(name, "thread_yield") == 0 ? "" : NULL;
}

/* A module "test" (what its environment calls it) with these names as exports, and a slot unless `type` is NULL. */
static struct builder *module(const char *info, const char *type, uint64_t abi, const char *const *names)
{
    static struct module_slot slot;
    static const uint8_t zeros[512];
    struct builder *builder = basic_object();
    unsigned count = 0, exports;

    while (names && names[count])
        count++;
    builder_section(builder, ".moult.info", SHT_PROGBITS, SHF_ALLOC, info, strlen(info) + 1, 1);
    exports = builder_section(builder, ".moult.exports", SHT_PROGBITS, SHF_ALLOC, zeros, 16 * count, 8);
    for (unsigned i = 0; i < count; i++) {
        unsigned text = builder_section(builder, ".rodata", SHT_PROGBITS, SHF_ALLOC, names[i], strlen(names[i]) + 1, 1);

        builder_relocation(builder, exports, 16 * i, R_X86_64_64, FUNCTION, 0);
        builder_relocation(builder, exports, 16 * i + 8, R_X86_64_64,
                           builder_symbol(builder, "", STB_LOCAL, STT_SECTION, text, 0, 0), 0);
    }
    if (type) {
        slot = (struct module_slot){.abi = abi};
        strcpy(slot.slot, type);
        builder_relocation(builder,
                           builder_section(builder, ".moult.slots", SHT_PROGBITS, SHF_ALLOC, &slot, sizeof slot, 8),
                           offsetof(struct module_slot, ops), R_X86_64_64, CONSTANT, 0);
    }
    return builder;
}

/* Loads it and asks; `error` and `text` are what is expected, with allocation `fail_at` failing (0: none). */
static void expect(const struct builder *builder, int error, const char *text, unsigned fail_at)
{
    static const struct loader_kernel kernel = {.slot_type = slot_type, .exporter = exporter};
    struct bench bench = {0};
    int result;

    assert_int_equal(bench_load(&bench, builder, BASE), 0);
    bench.allocations = 0;
    bench.fail_at = fail_at;
    result = loader_admit(&bench.loader, &kernel, &bench.why);
    if (result != error || bench.why.code != error || !strstr(bench.why.sentence, text))
        fail_msg("expected %s and '%s', got %s: %s", error_name(error), text, error_name(result), bench.why.sentence);
    bench_end(&bench);
}

static void names(void **state)
{
    (void)state;
    expect(module("name=test", NULL, 0, NULL), 0, "", 0);
    expect(basic_object(), -ENOEXEC, "test.o is an object but no module", 0);
    expect(module("name=other", NULL, 0, NULL), -EINVAL, "test.o declares itself to be module 'other'", 0);
}

static void slots(void **state)
{
    struct builder *builder = module("name=test", "sched", ABI, NULL);

    (void)state;
    expect(builder, 0, "", 0);
    expect(module("name=test", "sched", ABI + 1, NULL), -EABI, "fingerprint 0x1235, the kernel's is 0x1234", 0);
    expect(module("name=test", "frobs", ABI, NULL), -ENOTSUP, "slots of type 'frobs'", 0);
    builder = module("name=test", "sched", ABI, NULL);
    builder->relocations[0].relocation.r_info = ELF64_R_INFO((uint64_t)ZEROS, R_X86_64_64);
    builder->relocations[0].relocation.r_addend = 16; /* 32 bytes are left there */
    expect(builder, -ENOEXEC, "for slot type 'sched' is cut off", 0);
}

static void exports(void **state)
{
    static const char *const good[] = {"c", "a", "b", "ab", NULL}, *const one[] = {"a", NULL};
    static const char *const taken[] = {"a", "taken", NULL}, *const kernel[] = {"thread_yield", NULL};
    static const char *const twice[] = {"b", "a", "c", "b", NULL};

    (void)state;
    expect(module("name=test", NULL, 0, good), 0, "", 0);
    expect(module("name=test", NULL, 0, one), 0, "", 1);
    expect(module("name=test", NULL, 0, taken), -EEXIST, "'taken', which module 'm-a' exports", 0);
    expect(module("name=test", NULL, 0, kernel), -EEXIST, "'thread_yield', which the kernel exports", 0);
    expect(module("name=test", NULL, 0, twice), -EEXIST, "it exports 'b' twice", 0);
    expect(module("name=test", NULL, 0, twice), -ENOMEM, "the order of 4 exports", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(slots),
        cmocka_unit_test(exports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
