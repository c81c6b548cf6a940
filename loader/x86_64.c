/*
 * x86_64.c - the only file that knows x86-64: relocation types, the call stub, what the machine adds to ELF.
 *
 * Source: System V ABI, AMD64 supplement (psABI) 1.0, table 4.9 and section 4.4. Pure tables and functions; any
 * context.
 */
#include "loader/internal.h"

#define TLS_REFUSED "thread-local storage (TLS) is not supported in a kernel module"
#define DYNAMIC_REFUSED "it is for the dynamic linker and has no place in an object file"
#define INDIRECT_REFUSED "indirect functions (IFUNC) are not supported"
#define OLD_REFUSED "the psABI has withdrawn it"

/* Of the memory protection extensions (MPX), which <elf.h> has forgotten. */
#define R_X86_64_PC32_BND 39
#define R_X86_64_PLT32_BND 40

#define ENTRY(type, w, f, s, r) \
    [R_X86_64_##type] = {       \
        .name = "R_X86_64_" #type, .width = (w), .first = FIRST_##f, .second = SECOND_##s, .range = RANGE_##r}
#define REFUSED(type, reason) [R_X86_64_##type] = {.name = "R_X86_64_" #type, .refused = (reason)}

/*
 * The ranges of 32-bit types are the psABI's. It leaves the others open: 8 and 16 take what fits either way, as GNU
 * ld does; distances are signed. The X of GOTPCRELX permits to relax the instruction; nothing is relaxed here.
 */
const struct relocation_type x86_64_relocations[LOADER_RELOCATION_TYPES] = {
    ENTRY(NONE, 0, NOTHING, NOTHING, ANY),
    ENTRY(64, 8, SYMBOL, NOTHING, ANY),
    ENTRY(PC32, 4, SYMBOL, PLACE, SIGNED),
    ENTRY(GOT32, 4, GOT_OFFSET, NOTHING, SIGNED),
    ENTRY(PLT32, 4, CALL, PLACE, SIGNED),
    REFUSED(COPY, DYNAMIC_REFUSED),
    REFUSED(GLOB_DAT, DYNAMIC_REFUSED),
    REFUSED(JUMP_SLOT, DYNAMIC_REFUSED),
    REFUSED(RELATIVE, DYNAMIC_REFUSED),
    ENTRY(GOTPCREL, 4, GOT_ENTRY, PLACE, SIGNED),
    ENTRY(32, 4, SYMBOL, NOTHING, UNSIGNED),
    ENTRY(32S, 4, SYMBOL, NOTHING, SIGNED),
    ENTRY(16, 2, SYMBOL, NOTHING, EITHER),
    ENTRY(PC16, 2, SYMBOL, PLACE, SIGNED),
    ENTRY(8, 1, SYMBOL, NOTHING, EITHER),
    ENTRY(PC8, 1, SYMBOL, PLACE, SIGNED),
    REFUSED(DTPMOD64, TLS_REFUSED),
    REFUSED(DTPOFF64, TLS_REFUSED),
    REFUSED(TPOFF64, TLS_REFUSED),
    REFUSED(TLSGD, TLS_REFUSED),
    REFUSED(TLSLD, TLS_REFUSED),
    REFUSED(DTPOFF32, TLS_REFUSED),
    REFUSED(GOTTPOFF, TLS_REFUSED),
    REFUSED(TPOFF32, TLS_REFUSED),
    ENTRY(PC64, 8, SYMBOL, PLACE, ANY),
    ENTRY(GOTOFF64, 8, SYMBOL, GOT, ANY),
    ENTRY(GOTPC32, 4, GOT, PLACE, SIGNED),
    ENTRY(GOT64, 8, GOT_OFFSET, NOTHING, ANY),
    ENTRY(GOTPCREL64, 8, GOT_ENTRY, PLACE, ANY),
    ENTRY(GOTPC64, 8, GOT, PLACE, ANY),
    REFUSED(GOTPLT64, OLD_REFUSED),
    ENTRY(PLTOFF64, 8, CALL, GOT, ANY),
    ENTRY(SIZE32, 4, SIZE, NOTHING, UNSIGNED),
    ENTRY(SIZE64, 8, SIZE, NOTHING, ANY),
    REFUSED(GOTPC32_TLSDESC, TLS_REFUSED),
    REFUSED(TLSDESC_CALL, TLS_REFUSED),
    REFUSED(TLSDESC, TLS_REFUSED),
    REFUSED(IRELATIVE, INDIRECT_REFUSED),
    REFUSED(RELATIVE64, DYNAMIC_REFUSED),
    REFUSED(PC32_BND, OLD_REFUSED),
    REFUSED(PLT32_BND, OLD_REFUSED),
    ENTRY(GOTPCRELX, 4, GOT_ENTRY, PLACE, SIGNED),
    ENTRY(REX_GOTPCRELX, 4, GOT_ENTRY, PLACE, SIGNED),
};

const char *loader_relocation_name(uint32_t type)
{
    return type < LOADER_RELOCATION_TYPES ? x86_64_relocations[type].name : NULL;
}

bool x86_64_machine(unsigned machine)
{
    return machine == EM_X86_64;
}

bool x86_64_section_type(uint32_t type)
{
    return type == SHT_X86_64_UNWIND;
}

bool x86_64_common_index(unsigned index)
{
    return index == 0xff02; /* SHN_X86_64_LCOMMON */
}

/*
 * PLT32 says that it is a call. Older compilers and NASM use PC32 for calls too; a PC32 field at the end of an
 * instruction follows either a ModRM byte of RIP-relative addressing (mod 00, r/m 101: never one of the values below)
 * or the opcode of CALL, JMP or Jcc, so the byte before it tells them apart. Other addends are arithmetic, not calls.
 */
/*@
  requires offset > 0 ==> \valid_read(contents + (0 .. offset - 1));
  assigns \nothing;
*/
bool x86_64_is_call(uint32_t type, const uint8_t *contents, uint64_t offset, int64_t addend)
{
    if (type == R_X86_64_PLT32)
        return true;
    if (type != R_X86_64_PC32 || addend != -4 || !offset)
        return false;
    if (contents[offset - 1] == 0xe8 || contents[offset - 1] == 0xe9)
        return true;
    return offset >= 2 && contents[offset - 2] == 0x0f && (contents[offset - 1] & 0xf0) == 0x80;
}

/*@
  requires \valid(stub + (0 .. LOADER_STUB - 1));
  assigns stub[0 .. LOADER_STUB - 1];
  ensures \result == true <==> fits_signed((uint64_t)(entry - (uint64_t)(address + 6)), 4);
  ensures \result == true ==> (uint64_t)((uint64_t)(address + 6) + read_signed(stub + 2, 4)) == entry;
*/
bool x86_64_write_stub(uint8_t *stub, uint64_t address, uint64_t entry)
{
    uint64_t distance = entry - (address + 6);

    /*@ assert (uint64_t)((uint64_t)(address + 6) + (int64_t)distance) == entry; */
    stub[0] = 0xff; /* jmp *distance(%rip) */
    stub[1] = 0x25;
    stub[6] = 0xcc; /* int3 */
    stub[7] = 0xcc;
    field_write(stub + 2, distance, 4);
    return value_fits(RANGE_SIGNED, distance, 4);
}
