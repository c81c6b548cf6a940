/*
 * kernel_map.c - the final page tables of the kernel: image, direct map, nothing else.
 *
 * Once, at boot, on the bootstrap CPU, before the frame allocator: table pages come off the ends of the usable runs.
 */
#include "core/panic.h"
#include <arch/boot.h>
#include <arch/memory.h>
#include <string.h>

#define ENTRY_PRESENT (1ul << 0)
#define ENTRY_WRITE (1ul << 1)
#define ENTRY_LARGE (1ul << 7)
#define ENTRY_GLOBAL (1ul << 8)
#define ENTRY_NO_EXECUTE (1ul << 63)
#define LARGE_PAGE (2ul << 20)
#define GIB (1ul << 30)
#define FRAME_4_GIB (4 * GIB / PAGE_SIZE)
#define IMAGE_TABLES 16 /* 4 KiB tables for an image of up to 32 MiB */

extern uint64_t table_top[512], table_direct[512], directory_image[512];
extern char text_start[], text_end[], rodata_start[], rodata_end[], data_start[], data_end[], boot_stack_guard[];

static uint64_t image_tables[IMAGE_TABLES][512] __attribute__((aligned(4096)));

/* A zeroed page from the end of a run in the first 4 GiB, which the boot tables map. */
static uint64_t *take_table(struct boot_info *info)
{
    for (size_t i = info->run_count; i-- > 0;) {
        struct memory_run *run = &info->runs[i];
        if (run->last <= FRAME_4_GIB && run->last - run->first > 1) {
            uint64_t *table = physical_to_virtual(--run->last * PAGE_SIZE);
            memset(table, 0, PAGE_SIZE);
            return table;
        }
    }
    panic("there is no memory below 4 GiB for page tables: give the machine more");
}

static uint64_t image_protection(uintptr_t address)
{
    if (address >= (uintptr_t)text_start && address < (uintptr_t)text_end)
        return ENTRY_PRESENT | ENTRY_GLOBAL;
    if (address >= (uintptr_t)rodata_start && address < (uintptr_t)rodata_end)
        return ENTRY_PRESENT | ENTRY_GLOBAL | ENTRY_NO_EXECUTE;
    if (address == (uintptr_t)boot_stack_guard)
        return 0;
    if (address >= (uintptr_t)data_start && address < (uintptr_t)data_end)
        return ENTRY_PRESENT | ENTRY_WRITE | ENTRY_GLOBAL | ENTRY_NO_EXECUTE;
    return 0;
}

/*
 * The image by small pages; what is not image is not mapped. The directory is filled with tables that exist already,
 * at once.
 */
static void map_image(void)
{
    for (size_t i = 0; i < IMAGE_TABLES; i++) {
        for (size_t j = 0; j < 512; j++) {
            uintptr_t address = KERNEL_BASE + i * LARGE_PAGE + j * PAGE_SIZE;
            uint64_t protection = image_protection(address);
            image_tables[i][j] = protection ? (address - KERNEL_BASE) | protection : 0;
        }
    }
    for (size_t i = 0; i < 512; i++)
        directory_image[i] = i < IMAGE_TABLES ? ((uintptr_t)image_tables[i] - KERNEL_BASE) | ENTRY_PRESENT | ENTRY_WRITE
                                              : 0;
}

static void map_high_memory(struct boot_info *info)
{
    for (uint64_t base = 4 * GIB; base < info->memory_end * PAGE_SIZE; base += GIB) {
        uint64_t *directory = take_table(info);
        size_t top_index = 256 + base / (512 * GIB);
        uint64_t *directories;
        for (size_t i = 0; i < 512; i++)
            directory[i] = (base + i * LARGE_PAGE) | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_LARGE | ENTRY_GLOBAL |
                           ENTRY_NO_EXECUTE;
        if (!(table_top[top_index] & ENTRY_PRESENT))
            table_top[top_index] = virtual_to_physical(take_table(info)) | ENTRY_PRESENT | ENTRY_WRITE;
        directories = top_index == 256 ? table_direct
                                       : physical_to_virtual(table_top[top_index] & ~PAGE_MASK & ~ENTRY_NO_EXECUTE);
        directories[base / GIB % 512] = virtual_to_physical(directory) | ENTRY_PRESENT | ENTRY_WRITE;
    }
}

void arch_kernel_map(struct boot_info *info)
{
    ASSERT((uintptr_t)data_end <= KERNEL_BASE + IMAGE_TABLES * LARGE_PAGE);
    map_image();
    map_high_memory(info);
    table_top[0] = 0;
    arch_flush_all();
}

/* Makes the whole pages in [start, end) of the direct map read-only. */
static void protect(uintptr_t start, uintptr_t end)
{
    for (uintptr_t address = (start + PAGE_MASK) & ~PAGE_MASK; address + PAGE_SIZE <= end; address += PAGE_SIZE)
        if (arch_protect(address, PROTECTION_READ) != 0)
            panic("there is no memory for the kernel's page tables: give the machine more");
}

void arch_kernel_protect(const struct boot_info *info)
{
    uintptr_t archive = (uintptr_t)info->archive.bytes;
    protect(DIRECT_MAP_BASE + ((uintptr_t)text_start - KERNEL_BASE),
            DIRECT_MAP_BASE + ((uintptr_t)rodata_end - KERNEL_BASE));
    protect(archive, archive + info->archive.size);
    arch_flush_all();
}
