/*
 * internal.h - what the loader's files share among themselves.
 *
 * Order of work: object.c finds and checks the tables; layout.c classifies sections, with arrays.c for constructors;
 * symbols.c checks symbols; relocate.c scans the relocations, which resolves the symbols that they use; layout.c gives
 * addresses; image.c and relocate.c write the image; arrays.c and declaration.c read what is in it; admit.c compares
 * that with a kernel. Only x86_64.c knows relocation numbers and instructions.
 */
#ifndef LOADER_INTERNAL_H
#define LOADER_INTERNAL_H

#include "loader/arithmetic.h"
#include "loader/loader.h"
#include <elf.h>
#include <string.h>

#define LOADER_NOWHERE UINT64_MAX /* the offset of a section that is not loaded */
#define LOADER_NONE UINT32_MAX    /* no entry in the global offset table, no stub */
#define LOADER_POINTER 8u         /* bytes of an address */
#define LOADER_POINTER_SHIFT 3    /* its alignment, as a power of two */
#define LOADER_STUB 8u            /* bytes of a call stub */

/* What a section is for. The first three are in the order of the layout. */
enum section_class {
    SECTION_TEXT,
    SECTION_RODATA,
    SECTION_DATA,
    SECTION_INIT,
    SECTION_FINI,
    SECTION_NOBITS,
    SECTION_NOT_LOADED
};

struct loader_section_state {
    uint64_t offset;   /* in the image, or LOADER_NOWHERE */
    uint32_t priority; /* of an array of constructors or destructors: the lowest comes first */
    uint8_t class;     /* enum section_class */
    uint8_t alignment; /* as a power of two */
};

/* What a symbol turned out to be. The first three are the object's own. */
enum symbol_kind {
    SYMBOL_IN_SECTION, /* `section` is loaded */
    SYMBOL_ABSOLUTE,
    SYMBOL_COMMON,
    SYMBOL_GOT_BASE,    /* _GLOBAL_OFFSET_TABLE_ */
    SYMBOL_FOUND,       /* not defined here, resolved; a weak one that nobody has is 0 */
    SYMBOL_UNKNOWN,     /* not defined here, nobody asked for it yet */
    SYMBOL_MISSING,     /* not defined here nor anywhere else */
    SYMBOL_NOT_LOADED,  /* its section is not loaded: nothing that is loaded may refer to it */
    SYMBOL_UNSUPPORTED, /* thread-local, indirect, or of a type that is not known */
};

struct loader_symbol_state {
    uint64_t value;   /* as in the file, or as resolved; after loader_place() the run address */
    uint32_t section; /* index of its section, for SYMBOL_IN_SECTION and SYMBOL_NOT_LOADED */
    uint32_t got;     /* index of its entry in the global offset table, or LOADER_NONE */
    uint32_t stub;    /* index of its stub, or LOADER_NONE */
    uint8_t kind;     /* enum symbol_kind */
    bool called;      /* not defined here, and a call refers to it */
};

/*
 * The tables of an object have no alignment that could be relied on: an object in an archive stands at any offset.
 * Through these types their fields are read one by one, as any bytes.
 */
struct file_section {
    Elf64_Shdr header;
} __attribute__((packed, may_alias));
struct file_symbol {
    Elf64_Sym symbol;
} __attribute__((packed, may_alias));
struct file_relocation {
    Elf64_Rela relocation;
} __attribute__((packed, may_alias));

/* Header of section `index`, which must be below loader->sections. */
static inline const struct file_section *section_at(const struct loader *loader, uint32_t index)
{
    return (const struct file_section *)(loader->headers + (size_t)index * sizeof(Elf64_Shdr));
}

/* Symbol `index`, which must be below loader->symbols. */
/*@
  axiomatic symbol_table {
    logic integer symbol_size(struct loader *loader, integer index) reads loader->symbol_table;
  }
*/
/*@
  requires index < loader->symbols;
  assigns \result \from loader->symbol_table, index;
  ensures \valid_read(\result) && \result->symbol.st_size == symbol_size(loader, index);
*/
static inline const struct file_symbol *symbol_at(const struct loader *loader, uint32_t index)
{
    return (const struct file_symbol *)(loader->symbol_table + (size_t)index * sizeof(Elf64_Sym));
}

/* object.c: opens the object, checks headers and tables and sets what `loader` says of them. */
int object_open(struct loader *loader, struct failure *why);
const char *section_name(const struct loader *loader, uint32_t index); /* a checked index */
const char *symbol_name(const struct loader *loader,
                        uint32_t index); /* a checked index; a section symbol has its section's */
void *loader_allocate(const struct loader *loader, uint64_t count, size_t bytes); /* NULL: no memory */
void loader_free(const struct loader *loader, void *memory, uint64_t count, size_t bytes);

/* As fail(), the sentence beginning with the object's name. */
__attribute__((format(printf, 4, 5))) int refuse(const struct loader *loader, struct failure *why, int code,
                                                 const char *format, ...);

/* layout.c */
int layout_classify(struct loader *loader, struct failure *why); /* which section goes where */
int layout_assign(struct loader *loader, uint32_t got_entries, uint32_t stubs,
                  struct failure *why); /* offsets, regions */

/* symbols.c */
int symbols_check(struct loader *loader, struct failure *why);              /* every symbol, before any is used */
int symbols_refuse_unsupported(struct loader *loader, struct failure *why); /* what no relocation complained of */
int symbols_refuse(const struct loader *loader, uint32_t index,
                   struct failure *why);                                /* a SYMBOL_UNSUPPORTED, by name */
void symbols_resolve(struct loader *loader, uint32_t index);            /* one that is SYMBOL_UNKNOWN */
int symbols_report_missing(struct loader *loader, struct failure *why); /* all of them, in one sentence */
void symbols_choose_stubs(struct loader *loader);                       /* for what is out of reach from the base */
void symbols_place(struct loader *loader);                              /* gives final values */

/* image.c */
void image_copy_sections(const struct loader *loader);
int image_write_table(const struct loader *loader, struct failure *why); /* the global offset table, and stubs */

/* relocate.c */
int relocations_scan(struct loader *loader, struct failure *why);  /* checks all, counts, reserves table entries */
int relocations_apply(struct loader *loader, struct failure *why); /* into the image */
bool relocations_find(const struct loader *loader, uint32_t symbol, uint32_t *section,
                      uint64_t *offset); /* first use */

/*
 * arrays.c. Constructors and destructors are known by type; assemblers that do not set it give them their name. A
 * section's alignment is set before.
 */
int arrays_classify(struct loader *loader, uint32_t index, bool *is_array, struct failure *why);
int arrays_order(struct loader *loader, struct failure *why); /* by priority */
int arrays_check(struct loader *loader, struct failure *why);

/* declaration.c */
int declaration_read(struct loader *loader, struct failure *why);

/* sort.c: puts indices in order. Does `left` come before `right`? */
typedef bool loader_order(const struct loader *loader, uint32_t left, uint32_t right);
void loader_sort(const struct loader *loader, uint32_t *list, uint32_t count, loader_order *before);

/* x86_64.c: what a relocation computes is `first + addend - second`, and `range` says which values fit its field. */
enum relocation_first {
    FIRST_NOTHING,
    FIRST_SYMBOL,     /* S */
    FIRST_CALL,       /* L, the symbol itself where it is in reach */
    FIRST_GOT_ENTRY,  /* G + GOT: the address of the symbol's entry */
    FIRST_GOT_OFFSET, /* G */
    FIRST_GOT,        /* GOT: the table's address */
    FIRST_SIZE,       /* Z */
};
enum relocation_second {
    SECOND_NOTHING,
    SECOND_PLACE, /* P */
    SECOND_GOT,   /* GOT */
};

struct relocation_type {
    const char *name;    /* NULL: the psABI gives this number to nothing */
    uint8_t width;       /* bytes of the field; 0 with FIRST_NOTHING: nothing to do */
    uint8_t first;       /* enum relocation_first */
    uint8_t second;      /* enum relocation_second */
    uint8_t range;       /* enum relocation_range */
    const char *refused; /* why it is not supported, or NULL */
};

extern const struct relocation_type x86_64_relocations[LOADER_RELOCATION_TYPES];

bool x86_64_machine(unsigned machine);
bool x86_64_section_type(uint32_t type);  /* one that the machine adds, of ordinary contents */
bool x86_64_common_index(unsigned index); /* a section index that the machine adds, for large common symbols */
/*
 * Is the field of `type` with `addend` at `offset` of `contents` the target of a call or jump? A stub may stand in
 * then.
 */
bool x86_64_is_call(uint32_t type, const uint8_t *contents, uint64_t offset, int64_t addend);
/* Writes a stub that runs at `address` and jumps to where the 8 bytes at `entry` point; false if it is out of reach. */
bool x86_64_write_stub(uint8_t *stub, uint64_t address, uint64_t entry);

#endif
