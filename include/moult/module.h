/*
 * module.h - how an object file declares itself as a module.
 *
 * A module is one ELF64 relocatable object. It carries
 *   .moult.info     NUL-terminated `key=value` strings: name, version, summary
 *   .moult.slots    an array of struct module_slot: the policies it offers
 *   .moult.exports  an array of struct module_export: what other modules may link to
 * The macros below write them; moult.inc gives the same to NASM.
 */
#ifndef MOULT_MODULE_H
#define MOULT_MODULE_H

#include <moult/abi.h>
#include <stdint.h>

#define MODULE_NAME_BYTES 32 /* capacity of a module's or slot's name, terminator included */

/* One policy that a module offers. */
struct module_slot {
    char slot[MODULE_NAME_BYTES]; /* the slot's type, such as "sched" */
    uint64_t abi;                 /* MOULT_ABI_<type> at the time the module was built */
    const void *ops;              /* the slot type's table of functions, such as struct sched_ops */
};

/* One function or datum that modules may link to. */
struct module_export {
    const void *address;
    const char *name;
};

#define MODULE_SECTION(name) __attribute__((section(name), used, aligned(8)))
#define MODULE_PASTE_(a, b) a##b
#define MODULE_PASTE(a, b) MODULE_PASTE_(a, b)
#define MODULE_INFO(key, value)                         \
    static const char MODULE_PASTE(module_info_, key)[] \
        __attribute__((section(".moult.info"), used, aligned(1))) = #key "=" value

/*
 * Declares the module: once, at the end of one file.
 * Name: at most 31 characters of a-z 0-9 - . ; version: free text such as "1.0"; summary: one line.
 */
#define MODULE(module_name, module_version, module_summary) \
    MODULE_INFO(name, module_name);                         \
    MODULE_INFO(version, module_version);                   \
    MODULE_INFO(summary, module_summary)

/* Offers `table` (a const ops table of the slot type) for slots of type `type`: MODULE_SLOT(sched, rr_ops). */
#define MODULE_SLOT(type, table)                                     \
    static const struct module_slot MODULE_PASTE(module_slot_, type) \
        MODULE_SECTION(".moult.slots") = {.slot = #type, .abi = MOULT_ABI_##type, .ops = &(table)}

/*
 * A number that whoever inserts the module may choose, `insmod NAME name=NUMBER`; `number` if nobody does. In the
 * module it is the variable parameter_<name>, set before constructors run. At file scope, outside of `static`.
 */
#define MODULE_PARAMETER(name, number) \
    extern uint64_t parameter_##name;  \
    uint64_t parameter_##name __attribute__((used, section(".data.parameter"))) = (number)

/*
 * Makes a function or datum available to modules by its own name; stands beside the definition.
 * The same marker serves the kernel and modules that export to other modules. The symbol `__export_<name>` lets
 * host tools see from the symbol table alone what is exported.
 */
#define EXPORT_SYMBOL(symbol)                                                         \
    static const char export_name_##symbol[] = #symbol;                               \
    extern const struct module_export __export_##symbol;                              \
    const struct module_export __export_##symbol MODULE_SECTION(".moult.exports") = { \
        .address = (const void *)&(symbol), .name = export_name_##symbol}

#endif
