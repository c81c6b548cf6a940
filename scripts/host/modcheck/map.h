/*
 * map.h - the symbols that objects may link to: the kernel's exports, those of objects before, and --define.
 */
#ifndef MODCHECK_MAP_H
#define MODCHECK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    char *name; /* NULL: free */
    uint64_t address;
    char *owner; /* the module that has it; "": the kernel, or --define */
};

/* A hash table with open addressing; all zero is an empty one. The map owns the texts. */
struct map {
    struct map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* Adds a name, or gives it another address and owner. Ends the program if there is no memory. */
void map_set(struct map *map, const char *name, uint64_t address, const char *owner);
/* NULL: the name is not there. Valid until the map changes. */
const struct map_entry *map_find(const struct map *map, const char *name);
void map_clear(struct map *map);

/* Adds every symbol X of a file in `nm` format for which there is a symbol __export_X. A missing file adds nothing. */
void map_read_exports(struct map *map, const char *path);

#endif
