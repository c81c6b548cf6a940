/*
 * loader.h - from a relocatable object to a checked, relocated image: the loader's one public header.
 *
 * The loader is pure. It has no globals, touches no hardware, allocates only through the caller's functions, and is the
 * same source in the kernel, in the host tool modcheck and under the fuzzer. The caller goes through
 *
 *   loader_plan()   checks the whole object, resolves its symbols, says how much address space it takes at most
 *   loader_place()  fixes the base address, and with it the size of the three regions
 *   loader_link()   writes the relocated image into a buffer and checks what the object says about itself
 *   loader_admit()  checks that a kernel would take the module
 *   queries         sections, symbols, declaration, arrays of constructors
 *   loader_close()  gives back all scratch memory; after it nothing of the loader is in use
 *
 * The phases may fail at any point; loader_close() is due in any case, and nothing else is left behind.
 *
 * Concurrency: one struct loader belongs to one caller at a time. No function here blocks or takes a lock; the
 * caller's own functions decide what may. Any context in which those may be called.
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include <moult/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOADER_PAGE_SHIFT 12
#define LOADER_PAGE (1u << LOADER_PAGE_SHIFT)

/* The most that an image may span: everything in it then reaches everything else with 32 signed bits. */
#define LOADER_BYTES_MAX (1ull << 30)

/*
 * The largest alignment of a section or a common symbol. Reserving addresses at a multiple of it may pass over as many
 * again, of which a kernel has no more than an image may span.
 */
#define LOADER_ALIGNMENT_MAX (1ull << 27)

/* Relocation types are counted under their numbers, which are below this. */
#define LOADER_RELOCATION_TYPES 43u

/* What the loader needs from its caller. It must stay valid, and unchanged, until loader_close(). */
struct loader_environment {
    const char *name; /* what messages call the object, such as the file's name */
    void *context;    /* handed to the functions below */

    /* Finds a symbol that the object does not define. Returns false if there is none. Called once for each symbol. */
    bool (*resolve)(void *context, const char *name, uint64_t *address);

    /* Memory for tables, aligned to 16 bytes; the contents do not matter. NULL if there is none. */
    void *(*allocate)(void *context, size_t bytes);

    /* Takes back what allocate() gave, with the same size. */
    void (*release)(void *context, void *memory, size_t bytes);
};

/* What loader_admit() asks about a kernel. */
struct loader_kernel {
    void *context; /* handed to the functions below */

    /* The fingerprint and the size of the table of functions of a slot type. Returns false if there is no such type. */
    bool (*slot_type)(void *context, const char *name, uint64_t *abi, uint64_t *ops_bytes);

    /* Who exports `name`: a module's name, "" for the kernel itself, NULL for nobody. */
    const char *(*exporter)(void *context, const char *name);
};

/* The regions of an image, in the order of their addresses. Nothing is both writable and executable. */
enum loader_region_kind {
    LOADER_TEXT,   /* readable, executable: code and call stubs */
    LOADER_RODATA, /* readable: constants and the global offset table */
    LOADER_DATA,   /* readable, writable: initialised data, then NOBITS, then COMMON */
    LOADER_REGIONS
};

struct loader_region {
    uint64_t address;    /* where it runs: a multiple of the page size */
    uint64_t offset;     /* from the base, and so in the image */
    uint64_t bytes;      /* a multiple of the page size; 0 if there is nothing in it */
    uint64_t file_bytes; /* how many of them loader_link() writes; the rest of `bytes` is to be zero */
};

/*
 * An array of function addresses. Each is in the image's text or was found by the resolver, or it is 0, a gap before a
 * part of the array with a larger alignment: nothing to call.
 */
struct loader_array {
    uint64_t address;   /* where it runs */
    uint32_t count;     /* entries of 8 bytes, gaps included */
    uint32_t functions; /* entries that are to be called */
};

/* A text in the image. */
struct loader_text {
    const char *text; /* in the buffer that was given to loader_link() */
    uint64_t address; /* where it is at run time; 0 if the object does not give this text, which is then "" */
};

/* What an object says about itself, as moult/module.h describes. */
struct loader_declaration {
    bool declared;           /* false: there is no .moult.info, the object is not a module */
    struct loader_text name; /* at most MODULE_NAME_BYTES - 1 characters of a-z 0-9 - . */
    struct loader_text version;
    struct loader_text summary;
    uint32_t slots;                      /* loader_slot() knows this many */
    uint32_t exports;                    /* loader_export() knows this many */
    uint64_t slots_table, exports_table; /* run addresses of the arrays in the image; 0 if there is none */
};

/* One policy that a module offers. */
struct loader_slot {
    const char *type;   /* in the buffer; terminated; characters as in a module's name */
    uint64_t abi;       /* the fingerprint that it was built with */
    uint64_t ops;       /* run address of the table, a multiple of 8, in LOADER_RODATA or LOADER_DATA */
    uint64_t ops_bytes; /* how many bytes there are from `ops` to the end of what its region contains */
};

/* One symbol that others may link to. */
struct loader_export {
    struct loader_text name;
    uint64_t address; /* run address, inside the image */
};

enum loader_symbol_kind { LOADER_FUNCTION, LOADER_OBJECT, LOADER_OTHER };

/* One symbol that the object defines. */
struct loader_symbol {
    const char *name; /* in the object */
    uint64_t address; /* run address */
    uint64_t bytes;   /* size, cut off at the end of its section; 0 if the object does not tell */
    enum loader_symbol_kind kind;
    bool global; /* global, weak or unique; not local */
};

/* One section that is loaded, or one that the loader makes: ".plt" (call stubs), ".got", "COMMON". */
struct loader_section {
    const char *name; /* in the object, or constant */
    uint32_t index;   /* in the object; 0 for one that the loader makes */
    enum loader_region_kind region;
    uint64_t address; /* where it runs */
    uint64_t offset;  /* in the image */
    uint64_t bytes;
    uint64_t alignment; /* a power of two */
    bool nobits;        /* has no bytes in the image: starts as zeros */
};

struct loader_section_state; /* the loader's own tables */
struct loader_symbol_state;

/* One load. The caller owns the memory and need not initialise it. */
struct loader {
    /* Valid after loader_plan(). */
    uint64_t bytes_most; /* address space to reserve; a multiple of the page size, at most LOADER_BYTES_MAX, may be 0 */
    uint64_t alignment;  /* of the base address: a power of two, at least the page size */
    uint32_t undefined;  /* how many symbols were not found; also valid when it failed for them */

    /* Relocations of loaded sections by type number; valid after loader_plan(). loader_relocation_name() names them. */
    uint32_t relocations[LOADER_RELOCATION_TYPES];

    /* Valid after loader_place(). */
    uint64_t base;
    uint64_t bytes;       /* from the base to the end of the last region; at most bytes_most */
    uint64_t image_bytes; /* from the base to the end of what loader_link() writes: the size of its buffer */
    struct loader_region regions[LOADER_REGIONS];

    /* Valid after loader_link(). Constructors run from first to last, destructors from last to first. */
    struct loader_array init;
    struct loader_array fini;
    struct loader_declaration declaration;

    /* The loader's own. */
    const struct loader_environment *environment;
    const uint8_t *object;     /* the object's bytes */
    uint64_t object_bytes;     /* how many */
    const uint8_t *headers;    /* section headers in the object */
    uint32_t sections;         /* how many, the null section included */
    const char *section_names; /* the section name table, terminated */
    uint64_t section_names_bytes;
    const uint8_t *symbol_table; /* symbols in the object */
    uint32_t symbols;            /* how many, the null symbol included */
    uint32_t symbol_section;     /* index of the symbol table, or 0 */
    const char *symbol_names;    /* the symbols' string table, terminated */
    uint64_t symbol_names_bytes;
    const uint8_t *symbol_indices; /* extended section indices, or NULL */
    uint32_t thread_local_section; /* index of the first TLS section, or 0 */
    uint32_t unsupported_symbol;   /* index of the first symbol of a type that is not supported, or 0 */
    struct loader_section_state *section_states;
    struct loader_symbol_state *symbol_states;
    uint32_t *array_order; /* indices of the sections of constructors and destructors, in the order of their priority */
    uint32_t arrays;       /* how many */
    uint32_t info_section, slots_section, exports_section; /* .moult.*, or 0 */
    uint32_t called;                                       /* outside functions that are called: each may need a stub */
    uint32_t got_entries;                                  /* of the global offset table */
    uint32_t stubs;
    bool uses_got; /* its address is needed, be it empty */
    uint64_t got_offset, stubs_offset, common_offset, common_bytes, common_alignment; /* in the image */
    uint8_t *image;                                                                   /* loader_link()'s buffer */
};

/*
 * Checks `bytes` bytes of `object` (no alignment needed; they must not change until loader_close()) as an ELF64
 * x86-64 relocatable object, resolves its symbols and plans its image. `loader` is initialised whatever happens.
 * Returns 0, or: -ENOEXEC damaged or of a kind that is not loaded; -ELINK a relocation or symbol that cannot be,
 * undefined symbols among them (all are in the sentence, as far as there is room); -E2BIG; -ENOMEM. Source: System V
 * ABI, chapter 4 (Object Files); psABI for AMD64, section 4.4 (Relocation).
 */
int loader_plan(struct loader *loader, const struct loader_environment *environment, const void *object, size_t bytes,
                struct failure *why);

/*
 * Fixes the base address, once: a multiple of loader->alignment with room for loader->bytes_most up to the end of the
 * address space. Call stubs are made for functions that are out of reach from there, so `bytes` may now be less.
 * Returns 0 or -EINVAL.
 */
int loader_place(struct loader *loader, uint64_t base, struct failure *why);

/*
 * Writes the image, as it is to be at loader->base, into `image`: loader->image_bytes bytes that the caller has set to
 * zero; those between two regions are neither read nor written, and need not be there. Then checks the declaration and
 * the arrays of constructors in it. The buffer must stay until loader_close().
 * Returns 0, or: -ELINK a value does not fit its field; -ENOEXEC the declaration or an array is not valid.
 */
int loader_link(struct loader *loader, void *image, struct failure *why);

/*
 * Would the kernel take the module that was linked? Returns 0, or: -ENOEXEC it declares no module, or a table is cut
 * off; -EINVAL its name is not the environment's; -ENOTSUP or -EABI it is for a slot type that the kernel lacks, or has
 * with other declarations; -EEXIST it exports what is exported already, or one name twice; -ENOMEM.
 */
int loader_admit(const struct loader *loader, const struct loader_kernel *kernel, struct failure *why);

/* Releases all tables. May be called again; must be called once after loader_plan(), which may have failed. */
void loader_close(struct loader *loader);

/*
 * Walks, each with a cursor that starts at 0; false at the end. Sections and symbols after loader_place(), undefined
 * symbols after loader_plan() even if it failed. Names stay in the object.
 */
bool loader_next_section(const struct loader *loader, uint32_t *cursor, struct loader_section *section);
bool loader_next_symbol(const struct loader *loader, uint32_t *cursor, struct loader_symbol *symbol);
bool loader_next_undefined(const struct loader *loader, uint32_t *cursor, const char **name);

/* Slot or export number `index` of the declaration, after loader_link(); it must be below the declaration's count. */
void loader_slot(const struct loader *loader, uint32_t index, struct loader_slot *slot);
void loader_export(const struct loader *loader, uint32_t index, struct loader_export *export);

/* Do the `bytes` bytes at run address `address` lie in what `region` has of the object (NOBITS counts, padding not)? */
bool loader_contains(const struct loader *loader, enum loader_region_kind region, uint64_t address, uint64_t bytes);

/* The psABI's name of a relocation type, "R_X86_64_PC32"; NULL for a number that it does not give. */
const char *loader_relocation_name(uint32_t type);

#endif
