/* sources: loader/loader.c loader/object.c loader/layout.c loader/symbols.c loader/image.c loader/relocate.c
   loader/x86_64.c loader/arrays.c loader/sort.c loader/declaration.c core/text.c core/errors.c */
/*
 * loader.c - any bytes as an object: loaded at one of two addresses, or refused with a sentence, and nothing left
 * behind.
 *
 * Two of the bytes that ELF leaves open choose the base address, whether symbols are found and in reach, and which
 * allocation fails. An input that loads must do so again, with the same image.
 * seeds: build/modules build/oracle/objects
 */
#include "loader/loader.h"
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition) ((condition) ? (void)0 : abort())
#define MEMORY_MOST (64u << 20) /* what the loader may hold at once */
#define IMAGE_MOST (8u << 20)   /* larger ones are planned and placed only */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct context {
    uint8_t choice;
    unsigned fail_at;
    unsigned allocations;
    size_t held;
};

static bool resolve(void *opaque, const char *name, uint64_t *address)
{
    const struct context *context = opaque;

    if ((context->choice & 1) || name[0] == 'n')
        return false;
    *address = context->choice & 2 ? 0x123456789000 : 0xffffffff80001000;
    return true;
}

static void *allocate(void *opaque, size_t bytes)
{
    struct context *context = opaque;
    void *memory;

    if (++context->allocations == context->fail_at || bytes > MEMORY_MOST - context->held)
        return NULL;
    memory = malloc(bytes);
    MUST(memory);
    memset(memory, 0xa5, bytes);
    context->held += bytes;
    return memory;
}

static void release(void *opaque, void *memory, size_t bytes)
{
    struct context *context = opaque;

    MUST(memory && bytes <= context->held);
    context->held -= bytes;
    free(memory);
}

/* Reads everything that a caller may ask of a linked object. */
static void query(const struct loader *loader)
{
    struct loader_section section;
    struct loader_symbol symbol;
    uint64_t sum = 0;

    for (uint32_t i = 0; loader_next_section(loader, &i, &section);) {
        MUST(section.offset + section.bytes <= loader->bytes || !section.bytes);
        MUST(section.nobits || !section.bytes || section.offset + section.bytes <= loader->image_bytes);
        sum += strlen(section.name);
    }
    for (uint32_t i = 0; loader_next_symbol(loader, &i, &symbol);)
        sum += strlen(symbol.name);
    for (uint32_t i = 0; i < loader->declaration.slots; i++) {
        struct loader_slot slot;

        loader_slot(loader, i, &slot);
        MUST(strlen(slot.type) && slot.ops % 8 == 0 && slot.ops_bytes >= 8);
    }
    for (uint32_t i = 0; i < loader->declaration.exports; i++) {
        struct loader_export export;

        loader_export(loader, i, &export);
        MUST(strlen(export.name.text));
    }
    MUST(loader->bytes <= loader->bytes_most && sum < UINT32_MAX);
}

/* Loads once. Returns the image, or NULL if there is none. */
static uint8_t *load(struct context *context, const uint8_t *object, size_t size, uint64_t *image_bytes)
{
    const struct loader_environment environment = {
        .name = "fuzz", .context = context, .resolve = resolve, .allocate = allocate, .release = release};
    uint64_t base = context->choice & 4 ? 0x40000000 : 0xffffffffa0000000;
    struct loader loader;
    struct failure why = {0};
    uint8_t *image = NULL;
    const char *name;
    int error = loader_plan(&loader, &environment, object, size, &why);

    for (uint32_t i = 0; loader_next_undefined(&loader, &i, &name);)
        MUST(name && strlen(name) < size);
    if (!error)
        error = loader_place(&loader, base & -loader.alignment, &why);
    if (!error && loader.image_bytes <= IMAGE_MOST) {
        image = calloc(1, loader.image_bytes + !loader.image_bytes);
        MUST(image);
        *image_bytes = loader.image_bytes;
        error = loader_link(&loader, image, &why);
        if (!error)
            query(&loader);
    }
    MUST(error <= 0 && why.code == error);
    MUST(!error || (strlen(why.sentence) > 8 && strlen(why.sentence) < sizeof why.sentence));
    loader_close(&loader);
    MUST(!context->held);
    if (error) {
        free(image);
        return NULL;
    }
    return image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct context context = {0};
    uint64_t bytes = 0, again_bytes = 0;
    uint8_t *object, *image, *again;

    if (size >= EI_NIDENT) {
        context.choice = data[EI_PAD];
        context.fail_at = data[EI_PAD + 1] % 8;
    }
    object = malloc(size + !size); /* of its own, so that a read beyond its end is noticed */
    MUST(object);
    memcpy(object, data, size);
    image = load(&context, object, size, &bytes);
    if (image) {
        context.allocations = 0;
        again = load(&context, object, size, &again_bytes);
        MUST(again && bytes == again_bytes && memcmp(image, again, bytes) == 0);
        free(again);
    }
    free(image);
    free(object);
    return 0;
}
