/*
 * map.c - a hash table of symbols, and the reading of the kernel's symbol table.
 *
 * One caller, one thread; out of memory ends the program.
 */
#define _GNU_SOURCE
#include "scripts/host/modcheck/map.h"
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT_PREFIX "__export_"

/* FNV-1a. */
static uint64_t hash(const char *name)
{
    uint64_t value = 0xcbf29ce484222325u;

    for (; *name; name++)
        value = (value ^ (unsigned char)*name) * 0x100000001b3u;
    return value;
}

/* The entry that holds `name`, or the free one where it would be; the table is never full. */
static struct map_entry *slot_of(const struct map *map, const char *name)
{
    size_t index = hash(name) & (map->capacity - 1);

    while (map->entries[index].name && strcmp(map->entries[index].name, name) != 0)
        index = (index + 1) & (map->capacity - 1);
    return &map->entries[index];
}

static void grow(struct map *map)
{
    struct map larger = {.capacity = map->capacity ? map->capacity * 2 : 256, .count = map->count};

    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        err(1, "the symbol map");
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].name)
            *slot_of(&larger, map->entries[i].name) = map->entries[i];
    }
    free(map->entries);
    *map = larger;
}

static char *copy(const char *text)
{
    char *copied = strdup(text);

    if (!copied)
        err(1, "the symbol map");
    return copied;
}

void map_set(struct map *map, const char *name, uint64_t address, const char *owner)
{
    struct map_entry *entry;

    if (map->count * 2 >= map->capacity)
        grow(map);
    entry = slot_of(map, name);
    if (!entry->name) {
        entry->name = copy(name);
        map->count++;
    }
    free(entry->owner);
    entry->owner = copy(owner);
    entry->address = address;
}

const struct map_entry *map_find(const struct map *map, const char *name)
{
    const struct map_entry *entry = map->capacity ? slot_of(map, name) : NULL;

    return entry && entry->name ? entry : NULL;
}

void map_clear(struct map *map)
{
    for (size_t i = 0; i < map->capacity; i++) {
        free(map->entries[i].name);
        free(map->entries[i].owner);
    }
    free(map->entries);
    *map = (struct map){0};
}

void map_read_exports(struct map *map, const char *path)
{
    FILE *stream = fopen(path, "r");
    struct map globals = {0};
    char *line = NULL;
    size_t room = 0;

    if (!stream)
        return;
    while (getline(&line, &room, stream) > 0) {
        unsigned long long address;
        char type, name[1024];

        /* Local symbols (small letters) are not what an export means, should one have the same name. */
        if (sscanf(line, "%llx %c %1023s", &address, &type, name) == 3 && isupper((unsigned char)type))
            map_set(&globals, name, address, "");
    }
    for (size_t i = 0; i < globals.capacity; i++) {
        const char *name = globals.entries[i].name;
        const struct map_entry *symbol;

        if (!name || strncmp(name, EXPORT_PREFIX, strlen(EXPORT_PREFIX)) != 0)
            continue;
        name += strlen(EXPORT_PREFIX);
        symbol = map_find(&globals, name);
        if (symbol)
            map_set(map, name, symbol->address, "");
    }
    map_clear(&globals);
    free(line);
    fclose(stream);
}
