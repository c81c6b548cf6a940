/*
 * report.c - what modcheck says of one object, for people and as a line of JSON.
 */
#include "scripts/host/modcheck/report.h"
#include <inttypes.h>
#include <stdio.h>

/*
 * A JSON string. Names of symbols are bytes of no agreed encoding, so every byte that is not ASCII is written as the
 * character of that number: a reader gets the bytes back by encoding in Latin-1.
 */
static void put_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < ' ' || c > '~')
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void put_key(const char *key)
{
    printf(", \"%s\": ", key);
}

static void put_text(const char *key, const char *text)
{
    put_key(key);
    put_string(text);
}

static void put_address(const char *key, uint64_t address)
{
    put_key(key);
    printf("\"0x%" PRIx64 "\"", address);
}

static void put_number(const char *key, uint64_t number)
{
    put_key(key);
    printf("%" PRIu64, number);
}

static void put_sections(const struct loader *loader)
{
    static const char *const regions[] = {"text", "rodata", "data"};
    struct loader_section section;
    const char *separator = "";

    for (uint32_t cursor = 0; loader_next_section(loader, &cursor, &section); separator = ", ") {
        printf("%s{\"name\": ", separator);
        put_string(section.name);
        put_address("address", section.address);
        put_number("size", section.bytes);
        put_number("offset", section.offset);
        put_number("alignment", section.alignment);
        put_number("index", section.index);
        put_text("region", regions[section.region]);
        printf(", \"nobits\": %s}", section.nobits ? "true" : "false");
    }
}

static void put_symbols(const struct loader *loader)
{
    static const char *const kinds[] = {"function", "object", "other"};
    struct loader_symbol symbol;
    const char *separator = "";

    for (uint32_t cursor = 0; loader_next_symbol(loader, &cursor, &symbol); separator = ", ") {
        printf("%s{\"name\": ", separator);
        put_string(symbol.name);
        put_address("address", symbol.address);
        put_number("size", symbol.bytes);
        put_text("kind", kinds[symbol.kind]);
        printf(", \"global\": %s}", symbol.global ? "true" : "false");
    }
}

static void put_relocations(const struct loader *loader)
{
    const char *separator = "";

    for (uint32_t type = 0; type < LOADER_RELOCATION_TYPES; type++) {
        if (!loader->relocations[type])
            continue;
        printf("%s\"%s\": %u", separator, loader_relocation_name(type), loader->relocations[type]);
        separator = ", ";
    }
}

static void put_undefined(const struct loader *loader)
{
    const char *name, *separator = "";

    for (uint32_t cursor = 0; loader_next_undefined(loader, &cursor, &name); separator = ", ") {
        printf("%s", separator);
        put_string(name);
    }
}

static void put_module(const struct loader *loader)
{
    const struct loader_declaration *declaration = &loader->declaration;

    printf("{\"name\": ");
    put_string(declaration->name.text);
    put_text("version", declaration->version.text);
    put_text("summary", declaration->summary.text);
    printf(", \"slots\": [");
    for (uint32_t i = 0; i < declaration->slots; i++) {
        struct loader_slot slot;

        loader_slot(loader, i, &slot);
        printf("%s{\"slot\": ", i ? ", " : "");
        put_string(slot.type);
        put_address("abi", slot.abi);
        put_address("ops", slot.ops);
        putchar('}');
    }
    printf("], \"exports\": [");
    for (uint32_t i = 0; i < declaration->exports; i++) {
        struct loader_export export;

        loader_export(loader, i, &export);
        printf("%s{\"name\": ", i ? ", " : "");
        put_string(export.name.text);
        put_address("address", export.address);
        putchar('}');
    }
    printf("]}");
}

static const char *const signature_words[] = {
    [SIGNATURE_NONE] = "no",
    [SIGNATURE_GOOD] = "yes",
    [SIGNATURE_FOREIGN] = "with another key",
    [SIGNATURE_WRONG] = "changed since",
};

void report_json(const char *file, const struct loader *loader, bool placed, enum signature signature, int error,
                 const struct failure *why)
{
    printf("{\"file\": ");
    put_string(file);
    printf(", \"ok\": %s, \"error\": ", error ? "false" : "true");
    if (error)
        put_string(why->sentence);
    else
        printf("null");
    put_key("code");
    if (error)
        put_string(error_name(error));
    else
        printf("null");
    put_text("signed", signature_words[signature]);
    put_address("base", placed ? loader->base : 0);
    put_number("size", placed ? loader->bytes : 0);
    put_number("image_size", placed ? loader->image_bytes : 0);
    printf(", \"sections\": [");
    if (placed)
        put_sections(loader);
    printf("], \"symbols\": [");
    if (placed)
        put_symbols(loader);
    printf("], \"relocations\": {");
    put_relocations(loader);
    printf("}, \"undefined\": [");
    put_undefined(loader);
    printf("], \"init\": %u, \"fini\": %u, \"module\": ", error ? 0 : loader->init.functions,
           error ? 0 : loader->fini.functions);
    if (!error && loader->declaration.declared)
        put_module(loader);
    else
        printf("null");
    printf("}\n");
}

static uint64_t count_relocations(const struct loader *loader)
{
    uint64_t count = 0;

    for (uint32_t type = 0; type < LOADER_RELOCATION_TYPES; type++)
        count += loader->relocations[type];
    return count;
}

void report_text(const char *file, const struct loader *loader, enum signature signature, int error,
                 const struct failure *why)
{
    const struct loader_declaration *declaration = &loader->declaration;

    if (error) {
        printf("%s: would not load: %s: %s\n", file, error_name(error), why->sentence);
        return;
    }
    printf("%s: loads at 0x%" PRIx64 ": text %" PRIu64 ", rodata %" PRIu64 ", data %" PRIu64 " bytes, %" PRIu64
           " relocations\n",
           file, loader->base, loader->regions[LOADER_TEXT].bytes, loader->regions[LOADER_RODATA].bytes,
           loader->regions[LOADER_DATA].bytes, count_relocations(loader));
    printf("    signed: %s\n", signature_words[signature]);
    if (!declaration->declared) {
        printf("    no module: it has no MODULE() declaration\n");
        return;
    }
    printf("    module %s %s: %s\n", declaration->name.text, declaration->version.text, declaration->summary.text);
    for (uint32_t i = 0; i < declaration->slots; i++) {
        struct loader_slot slot;

        loader_slot(loader, i, &slot);
        printf("    slot %s, abi 0x%" PRIx64 "\n", slot.type, slot.abi);
    }
    for (uint32_t i = 0; i < declaration->exports; i++) {
        struct loader_export export;

        loader_export(loader, i, &export);
        printf("    exports %s at 0x%" PRIx64 "\n", export.name.text, export.address);
    }
}
