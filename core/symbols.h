/*
 * symbols.h - the kernel's symbol map: what modules may link to, by hash; and every symbol, for backtraces.
 */
#ifndef CORE_SYMBOLS_H
#define CORE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Takes over the symbol table that the boot loader loaded (checked; without one, backtraces show bare addresses), and
 * hashes the exports. After heap_init().
 */
void symbols_init(const void *symtab, size_t symtab_bytes, const void *strtab, size_t strtab_bytes);

/* The address of a symbol exported by the kernel; 0: not exported. Any context. */
uintptr_t symbol_exported(const char *name);

/*
 * The function or datum at or before `address`, in the kernel or in a module: its name, the offset into it, and the
 * module's name (NULL: the kernel). False when the address is in neither. Any context, panics included.
 */
struct symbol_place {
    const char *name, *module;
    uintptr_t address; /* where the symbol begins */
    size_t offset;
};
bool symbol_at(uintptr_t address, struct symbol_place *place);

/* The address of any symbol, exported or not, the kernel's first, then the modules'; 0: none. */
uintptr_t symbol_find(const char *name);

/* Does the kernel's own text contain `address`? Any context. */
bool symbol_in_text(uintptr_t address);

/*
 * For completion: the next symbol that begins with `prefix`, the kernel's in order and then the modules', after
 * `*cursor`; NULL: no more. Start with 0.
 */
const char *symbol_complete(const char *prefix, size_t *cursor);

#endif
