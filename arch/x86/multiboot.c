/*
 * multiboot.c - reads what a Multiboot2 boot loader says of memory, modules and tables (specification 2.0, section
 * 3.6).
 *
 * Once, at boot. Nothing in it is trusted: tags are walked within the stated total, and each is used only if it is
 * large enough.
 */
#include <arch/boot.h>
#include <elf.h>
#include <moult/text.h>
#include <string.h>

enum tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_ELF_SECTIONS = 9,
    TAG_EFI_64 = 12,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,
};

struct tag {
    uint32_t type, size; /* size: this header included, padding to 8 not */
};

struct tag_module {
    struct tag tag;
    uint32_t start, end; /* physical */
    char name[];
};

struct memory_entry {
    uint64_t base, length;
    uint32_t type, zero;
};

struct tag_memory_map {
    struct tag tag;
    uint32_t entry_size, entry_version;
};

struct tag_elf_sections {
    struct tag tag;
    uint32_t count, entry_size, names;
};

struct tag_framebuffer {
    struct tag tag;
    uint64_t base;
    uint32_t pitch, width, height; /* of text: in characters */
    uint8_t bits, kind, reserved[2];
};

#define MEMORY_USABLE 1
#define FRAMEBUFFER_TEXT 2
#define INFORMATION_MAX (1u << 20)
#define LOW_MEMORY_FRAMES 256 /* the first MiB: firmware's data, and the start-up code of other CPUs */
#define FRAMES_4_GIB (1ull << 20)

extern char image_physical_start[], image_physical_end[];

static uint64_t frame_up(uint64_t address)
{
    return address / PAGE_SIZE + (address % PAGE_SIZE != 0);
}

/* Adds a usable run where sorting puts it; runs that overlap an earlier one lose the overlap. */
static void run_add(struct boot_info *info, uint64_t first, uint64_t last)
{
    size_t at = 0;
    if (first >= last || info->run_count == BOOT_RUNS_MAX)
        return;
    while (at < info->run_count && info->runs[at].first < first)
        at++;
    if (at > 0 && info->runs[at - 1].last > first)
        first = info->runs[at - 1].last;
    if (at < info->run_count && last > info->runs[at].first)
        last = info->runs[at].first;
    if (first >= last)
        return;
    memmove(&info->runs[at + 1], &info->runs[at], (info->run_count - at) * sizeof(info->runs[0]));
    info->runs[at] = (struct memory_run){first, last};
    info->run_count++;
}

/* Takes the bytes [start, end) out of the usable runs. */
static void run_cut(struct boot_info *info, uint64_t start, uint64_t end)
{
    uint64_t first = start / PAGE_SIZE, last = frame_up(end);
    struct memory_run old[BOOT_RUNS_MAX];
    size_t count = info->run_count;
    if (start >= end)
        return;
    memcpy(old, info->runs, sizeof(old));
    info->run_count = 0;
    for (size_t i = 0; i < count; i++) {
        run_add(info, old[i].first, old[i].last < first ? old[i].last : first);
        run_add(info, old[i].first > last ? old[i].first : last, old[i].last);
    }
}

static void read_memory_map(const struct tag_memory_map *map, struct boot_info *info)
{
    const uint8_t *entry = (const uint8_t *)(map + 1), *end = (const uint8_t *)map + map->tag.size;
    if (map->entry_size < sizeof(struct memory_entry))
        return;
    for (; (size_t)(end - entry) >= sizeof(struct memory_entry); entry += map->entry_size) {
        struct memory_entry area;
        uint64_t limit;
        memcpy(&area, entry, sizeof(area));
        if (area.type == MEMORY_USABLE && !__builtin_add_overflow(area.base, area.length, &limit)) {
            if (limit > DIRECT_MAP_SIZE)
                limit = DIRECT_MAP_SIZE;
            run_add(info, frame_up(area.base), limit / PAGE_SIZE);
            if (limit / PAGE_SIZE > info->memory_end)
                info->memory_end = limit / PAGE_SIZE;
        }
        if ((size_t)(end - entry) < map->entry_size)
            return;
    }
}

static struct boot_piece piece(uint64_t start, uint64_t size)
{
    struct boot_piece none = {NULL, 0};
    if (start == 0 || size == 0 || start >= FRAMES_4_GIB * PAGE_SIZE || size > FRAMES_4_GIB * PAGE_SIZE - start)
        return none;
    return (struct boot_piece){physical_to_virtual(start), size};
}

/* The kernel's own symbol table: the boot loader loads the sections that the image does not occupy, and notes where. */
static void read_sections(const struct tag_elf_sections *sections, struct boot_info *info)
{
    uint64_t bytes = (uint64_t)sections->count * sections->entry_size;
    const uint8_t *first = (const uint8_t *)(sections + 1);
    if (sections->entry_size != sizeof(Elf64_Shdr) || bytes > sections->tag.size - sizeof(*sections))
        return;
    for (uint32_t i = 0; i < sections->count; i++) {
        Elf64_Shdr symbols, strings;
        memcpy(&symbols, first + i * sizeof(symbols), sizeof(symbols));
        if (symbols.sh_type != SHT_SYMTAB || symbols.sh_link >= sections->count)
            continue;
        memcpy(&strings, first + symbols.sh_link * sizeof(strings), sizeof(strings));
        info->symtab = piece(symbols.sh_addr, symbols.sh_size);
        info->strtab = piece(strings.sh_addr, strings.sh_size);
    }
}

static void read_framebuffer(const struct tag_framebuffer *framebuffer, struct boot_info *info)
{
    info->screen = framebuffer->kind == FRAMEBUFFER_TEXT ? BOOT_SCREEN_TEXT_AT : BOOT_SCREEN_NONE;
    info->screen_base = framebuffer->base;
    info->screen_columns = framebuffer->width;
    info->screen_rows = framebuffer->height;
}

/* Uses one tag whose header and stated size lie within the information. */
static bool read_tag(const struct tag *tag, struct boot_info *info)
{
    size_t body = tag->size - sizeof(*tag);
    switch (tag->type) {
    case TAG_COMMAND_LINE:
        text_format(info->command_line, sizeof(info->command_line), "%.*s", (int)body, (const char *)(tag + 1));
        return true;
    case TAG_MODULE: {
        const struct tag_module *module = (const struct tag_module *)tag;
        if (tag->size < sizeof(*module) || module->end < module->start)
            return false;
        if (!info->archive.bytes)
            info->archive = piece(module->start, module->end - module->start);
        return true;
    }
    case TAG_MEMORY_MAP:
        if (tag->size < sizeof(struct tag_memory_map))
            return false;
        read_memory_map((const struct tag_memory_map *)tag, info);
        return true;
    case TAG_FRAMEBUFFER:
        if (tag->size < sizeof(struct tag_framebuffer))
            return false;
        read_framebuffer((const struct tag_framebuffer *)tag, info);
        return true;
    case TAG_EFI_64:
        if (info->screen == BOOT_SCREEN_TEXT)
            info->screen = BOOT_SCREEN_NONE;
        return true;
    case TAG_ELF_SECTIONS:
        if (tag->size < sizeof(struct tag_elf_sections))
            return false;
        read_sections((const struct tag_elf_sections *)tag, info);
        return true;
    case TAG_ACPI_OLD:
        if (!info->rsdp.bytes)
            info->rsdp = (struct boot_piece){tag + 1, body};
        return true;
    case TAG_ACPI_NEW:
        info->rsdp = (struct boot_piece){tag + 1, body};
        return true;
    default:
        return true;
    }
}

static void cut_piece(struct boot_info *info, struct boot_piece used)
{
    if (used.bytes)
        run_cut(info, virtual_to_physical(used.bytes), virtual_to_physical(used.bytes) + used.size);
}

bool multiboot_read(physical_address information, struct boot_info *info, char *complaint, size_t capacity)
{
    const uint8_t *start = physical_to_virtual(information);
    uint32_t total = *(const uint32_t *)start, at = 8;
    complaint[0] = 0;
    if (total > INFORMATION_MAX)
        total = INFORMATION_MAX;
    while (total >= sizeof(struct tag) && at <= total - sizeof(struct tag)) {
        const struct tag *tag = (const struct tag *)(start + at);
        if (tag->type == TAG_END)
            break;
        if (tag->size < sizeof(*tag) || tag->size > total - at) {
            text_format(complaint, capacity, "the boot information is cut off after tag %u", tag->type);
            break;
        }
        if (!read_tag(tag, info))
            text_format(complaint, capacity, "tag %u of the boot information is too short", tag->type);
        at += (tag->size + 7) & ~7u;
    }
    run_cut(info, 0, LOW_MEMORY_FRAMES * PAGE_SIZE);
    run_cut(info, (uintptr_t)image_physical_start, (uintptr_t)image_physical_end);
    run_cut(info, information, information + total);
    cut_piece(info, info->archive);
    cut_piece(info, info->symtab);
    cut_piece(info, info->strtab);
    return info->run_count > 0;
}
