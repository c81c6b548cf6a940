/*
 * boot.h - what the boot loader told, checked and in the core's terms.
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include "core/frames.h"
#include <stddef.h>
#include <stdint.h>

#define BOOT_RUNS_MAX 64

/* A piece of memory that the boot loader filled, seen through the direct map; NULL and 0 when it is not there. */
struct boot_piece {
    const void *bytes;
    size_t size;
};

/* What the boot loader left on the screen. */
enum boot_screen {
    BOOT_SCREEN_TEXT,    /* VGA text where it always is: nothing else was said */
    BOOT_SCREEN_TEXT_AT, /* VGA text, with its place and size */
    BOOT_SCREEN_NONE,    /* pixels, or firmware without VGA text */
};

struct boot_info {
    char command_line[1024];
    struct memory_run runs[BOOT_RUNS_MAX]; /* usable, sorted, with everything that is in use cut out */
    size_t run_count;
    uint64_t memory_end; /* the first frame number beyond all memory */
    struct boot_piece archive, rsdp, symtab, strtab;
    enum boot_screen screen;
    physical_address screen_base; /* of a text screen whose place the boot loader tells */
    unsigned screen_columns, screen_rows;
};

/*
 * Reads the Multiboot2 information (specification 2.0, section 3.6) at a physical address below 4 GiB. Every tag is
 * checked for its size before use; a tag that is too short is left out, and named in `complaint` ("" if none). False:
 * no usable memory map, the kernel cannot run.
 */
bool multiboot_read(physical_address information, struct boot_info *info, char *complaint, size_t capacity);

/*
 * Refines the boot page tables: the image by 4 KiB pages with final protections and a guard below the boot stack, the
 * direct map for all memory, no identity map. Takes pages for tables from the ends of info's runs. Before
 * frames_init().
 */
void arch_kernel_map(struct boot_info *info);

/*
 * Write-protects the direct map's alias of the kernel's text and read-only data, and the whole pages of the boot
 * archive. After frames_init().
 */
void arch_kernel_protect(const struct boot_info *info);

#endif
