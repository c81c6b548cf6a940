/*
 * archive.c - the boot archive: a ustar file (POSIX.1-2001, pax, "ustar Interchange Format") in memory, read where it
 * lies.
 *
 * Checked once as a whole; what lies before the first damage is usable. Constant after boot.
 */
#include "core/heap.h"
#include "core/log.h"
#include "core/module.h"
#include "core/sort.h"
#include <string.h>

#define BLOCK 512
#define NAME_BYTES 100

struct header {
    char name[NAME_BYTES], mode[8], owner[8], group[8], size[12], time[12], checksum[8], type, link[100], magic[6];
    char rest[249];
};
_Static_assert(sizeof(struct header) == BLOCK, "a ustar header is one block");

static const uint8_t *archive;
static size_t archive_bytes;        /* that have been checked */
static const struct header **files; /* the regular ones, by name */
static size_t files_count;

/* An octal field that ends with a space or NUL; false for anything else. */
static bool octal(const char *field, size_t bytes, uint64_t *value)
{
    uint64_t number = 0;
    size_t i = 0;
    for (; i < bytes && field[i] >= '0' && field[i] <= '7'; i++)
        number = number << 3 | (uint64_t)(field[i] - '0');
    *value = number;
    return i > 0 && (i == bytes || field[i] == ' ' || field[i] == 0);
}

static bool header_valid(const struct header *header, size_t room, uint64_t *size)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t stated, sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= offsetof(struct header, checksum) && i < offsetof(struct header, type) ? ' ' : bytes[i];
    return memcmp(header->magic, "ustar", 5) == 0 && octal(header->checksum, sizeof(header->checksum), &stated) &&
           stated == sum && octal(header->size, sizeof(header->size), size) && *size <= room - BLOCK &&
           memchr(header->name, 0, NAME_BYTES);
}

static size_t blocks(uint64_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

bool archive_present(void)
{
    return archive_bytes > 0;
}

/* The regular file at `*at`, and moves past it; NULL at the end. */
static const struct header *next_file(size_t *at, uint64_t *size)
{
    while (*at < archive_bytes) {
        const struct header *header = (const struct header *)(archive + *at);
        octal(header->size, sizeof(header->size), size);
        *at += BLOCK + blocks(*size);
        if (header->type == '0' || header->type == 0)
            return header;
    }
    return NULL;
}

const char *archive_name(unsigned index)
{
    const struct header *header;
    uint64_t file;
    for (size_t at = 0; (header = next_file(&at, &file));)
        if (index-- == 0)
            return header->name;
    return NULL;
}

static int by_name_and_place(const void *a, const void *b)
{
    const struct header *first = *(const struct header *const *)a, *second = *(const struct header *const *)b;
    int order = strcmp(first->name, second->name);
    return order ? order : first < second ? -1 : first > second;
}

/* Sorts the files by name. A name is to be there once: says which is there again; the first one is found. */
static void make_index(void)
{
    const struct header *header;
    uint64_t size;
    for (size_t at = 0; next_file(&at, &size);)
        files_count++;
    files = heap_alloc((files_count + 1) * sizeof(*files));
    if (!files) {
        log_line("there is no memory for the index of the boot archive: nothing of it is used");
        archive_bytes = files_count = 0;
        return;
    }
    files_count = 0;
    for (size_t at = 0; (header = next_file(&at, &size));)
        files[files_count++] = header;
    sort(files, files_count, sizeof(*files), by_name_and_place);
    for (size_t i = 1; i < files_count; i++)
        if (strcmp(files[i - 1]->name, files[i]->name) == 0)
            log_line("'%s' is twice in the boot archive; the first one is used", files[i]->name);
}

bool archive_find(const char *name, const void **bytes, size_t *size)
{
    size_t low = 0, high = files_count;
    uint64_t file;
    while (low < high) { /* the first one that is not before `name` is in low … high */
        size_t middle = low + (high - low) / 2;
        if (strcmp(files[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == files_count || strcmp(files[low]->name, name) != 0)
        return false;
    octal(files[low]->size, sizeof(files[low]->size), &file);
    *bytes = files[low] + 1;
    *size = file;
    return true;
}

void archive_init(const void *bytes, size_t size)
{
    bool damaged = false;
    size_t at = 0;
    if (!bytes) {
        log_line("there is no boot archive");
        return;
    }
    archive = bytes;
    while (at + BLOCK <= size && archive[at] != 0) {
        uint64_t file;
        if (!header_valid((const struct header *)(archive + at), size - at, &file) ||
            blocks(file) > size - at - BLOCK) {
            damaged = true;
            break;
        }
        at += BLOCK + blocks(file);
    }
    archive_bytes = at;
    if (damaged && at == 0)
        log_line("the boot archive is damaged at its first byte: nothing of it is used");
    else if (damaged)
        log_line("the boot archive is damaged at byte %lu; what is before that is used", at);
    else if (at == 0)
        log_line("the boot archive is empty");
    make_index();
}
