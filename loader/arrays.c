/*
 * arrays.c - the arrays of constructors and destructors: which sections are part of one, in which order, and whether
 * each entry is a function.
 *
 * Entry points: arrays_classify(), arrays_order() and, when the image is there, arrays_check(). The parts of one array
 * lie one behind the other; where one asks for a larger alignment than an address has, the gap before it is of zeros.
 */
#include "loader/internal.h"

#define PRIORITY_LAST 65536u /* of an array without a priority in its name: after those that have one */

/* Symbols that others define, by address; made when an entry is first found to be none of the object's functions. */
struct outside {
    uint32_t *symbols; /* indices; NULL: not made yet */
    uint32_t count;
};

/* Reads the priority in ".init_array.00101". */
static uint32_t array_priority(const char *digits)
{
    uint32_t priority = 0;

    if (*digits != '.' || !digits[1])
        return PRIORITY_LAST;
    while (*++digits) {
        if (*digits < '0' || *digits > '9')
            return PRIORITY_LAST;
        priority = priority * 10 + (uint32_t)(*digits - '0');
        if (priority >= PRIORITY_LAST)
            return PRIORITY_LAST - 1;
    }
    return priority;
}

/* Is `name` the array `array`, or one of it with a priority? Then `*rest` is what follows. */
static bool array_name(const char *name, const char *array, const char **rest)
{
    size_t length = strlen(array);

    if (strncmp(name, array, length) != 0 || (name[length] && name[length] != '.'))
        return false;
    *rest = name + length;
    return true;
}

int arrays_classify(struct loader *loader, uint32_t index, bool *is_array, struct failure *why)
{
    struct loader_section_state *state = &loader->section_states[index];
    const struct file_section *section = section_at(loader, index);
    const char *name = section_name(loader, index), *rest = "";
    uint32_t type = section->header.sh_type;
    bool init = array_name(name, ".init_array", &rest) || type == SHT_INIT_ARRAY;
    bool fini = !init && (array_name(name, ".fini_array", &rest) || type == SHT_FINI_ARRAY);

    *is_array = (init || fini) && type != SHT_NOBITS;
    if (!*is_array)
        return 0;
    if (section->header.sh_size % LOADER_POINTER)
        return refuse(loader, why, -ENOEXEC, "section %s has 0x%llx bytes, which is no whole number of addresses", name,
                      (unsigned long long)section->header.sh_size);
    state->class = init ? SECTION_INIT : SECTION_FINI;
    state->priority = array_priority(rest);
    if (state->alignment < LOADER_POINTER_SHIFT) /* the entries are addresses, whatever the section says */
        state->alignment = LOADER_POINTER_SHIFT;
    loader->arrays++;
    return 0;
}

/* Does array section `left` come before `right`? */
static bool comes_before(const struct loader *loader, uint32_t left, uint32_t right)
{
    const struct loader_section_state *one = &loader->section_states[left], *other = &loader->section_states[right];

    if (one->class != other->class)
        return one->class < other->class;
    return one->priority != other->priority ? one->priority < other->priority : left < right;
}

int arrays_order(struct loader *loader, struct failure *why)
{
    uint32_t *order, count = 0;

    if (!loader->arrays)
        return 0;
    order = loader->array_order = loader_allocate(loader, loader->arrays, sizeof *order);
    if (!order)
        return refuse(loader, why, -ENOMEM, "no memory for the order of %u arrays of constructors", loader->arrays);
    for (uint32_t i = 1; i < loader->sections; i++) {
        if (loader->section_states[i].class == SECTION_INIT || loader->section_states[i].class == SECTION_FINI)
            order[count++] = i;
    }
    loader_sort(loader, order, count, comes_before);
    return 0;
}

static bool lower_address(const struct loader *loader, uint32_t left, uint32_t right)
{
    return loader->symbol_states[left].value < loader->symbol_states[right].value;
}

/* Is this a symbol that somebody else defines? A weak one that nobody has is 0. */
static bool is_found(const struct loader *loader, uint32_t index)
{
    return loader->symbol_states[index].kind == SYMBOL_FOUND && loader->symbol_states[index].value != 0;
}

static int list_outside(const struct loader *loader, struct outside *outside, struct failure *why)
{
    uint32_t count = 0;

    outside->symbols = loader_allocate(loader, loader->symbols ?: 1, sizeof *outside->symbols);
    if (!outside->symbols)
        return refuse(loader, why, -ENOMEM, "no memory for a list of %u symbols", loader->symbols);
    for (uint32_t i = 1; i < loader->symbols; i++) {
        if (is_found(loader, i))
            outside->symbols[count++] = i;
    }
    outside->count = count;
    loader_sort(loader, outside->symbols, count, lower_address);
    return 0;
}

static bool is_outside(const struct loader *loader, const struct outside *outside, uint64_t address)
{
    uint32_t low = 0, high = outside->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t value = loader->symbol_states[outside->symbols[middle]].value;

        if (value == address)
            return true;
        if (value < address)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Checks the entries of one part of `array`, which the object names `name`. */
static int check_part(const struct loader *loader, uint32_t section, struct loader_array *array, const char *name,
                      struct outside *outside, struct failure *why)
{
    uint64_t count = section_at(loader, section)->header.sh_size / LOADER_POINTER;
    const uint8_t *entries = loader->image + loader->section_states[section].offset;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t entry, number = array->functions + i;
        int error = 0;

        memcpy(&entry, entries + i * sizeof entry, sizeof entry);
        if (loader_contains(loader, LOADER_TEXT, entry, 1))
            continue;
        if (!outside->symbols)
            error = list_outside(loader, outside, why);
        if (!error && !is_outside(loader, outside, entry))
            error = refuse(loader, why, -ENOEXEC, "entry %llu of %s, 0x%llx, points to no function",
                           (unsigned long long)number, name, (unsigned long long)entry);
        if (error)
            return error;
    }
    array->functions += (uint32_t)count;
    return 0;
}

/* Describes the array that is made of all sections of one class, and checks its entries. */
static int check_array(const struct loader *loader, enum section_class class, struct loader_array *array,
                       struct outside *outside, struct failure *why)
{
    uint64_t first = 0, end = 0;

    *array = (struct loader_array){0};
    for (uint32_t i = 0; i < loader->arrays; i++) {
        uint32_t section = loader->array_order[i];
        const struct loader_section_state *state = &loader->section_states[section];
        int error;

        if (state->class != class)
            continue;
        if (!end)
            first = state->offset;
        end = state->offset + section_at(loader, section)->header.sh_size;
        error = check_part(loader, section, array, class == SECTION_INIT ? ".init_array" : ".fini_array", outside, why);
        if (error)
            return error;
    }
    array->address = loader->base + first;
    array->count = (uint32_t)((end - first) / LOADER_POINTER);
    return 0;
}

int arrays_check(struct loader *loader, struct failure *why)
{
    struct outside outside = {0};
    int error = check_array(loader, SECTION_INIT, &loader->init, &outside, why);

    if (!error)
        error = check_array(loader, SECTION_FINI, &loader->fini, &outside, why);
    loader_free(loader, outside.symbols, loader->symbols ?: 1, sizeof *outside.symbols);
    return error;
}
