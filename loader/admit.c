/*
 * admit.c - does a kernel take this module: is it one, under its own name, for slots that the kernel has as the module
 * knows them, and are the names that it exports free?
 *
 * Entry point: loader_admit(), after loader_link(). What the kernel has is asked for through struct loader_kernel, so
 * that the kernel and modcheck, which knows it from the outside, come to the same answer.
 */
#include "loader/internal.h"
#include <moult/module.h>

static int check_name(const struct loader *loader, struct failure *why)
{
    const char *file = loader->environment->name, *declared = loader->declaration.name.text;

    if (!loader->declaration.declared)
        return fail(why, -ENOEXEC, "%s.o is an object but no module: it lacks a MODULE() declaration", file);
    if (strcmp(declared, file) != 0)
        return fail(why, -EINVAL, "%s.o declares itself to be module '%s'; name the file %s.o", file, declared,
                    declared);
    return 0;
}

static int check_slot(const struct loader *loader, const struct loader_kernel *kernel, uint32_t index,
                      struct failure *why)
{
    struct loader_slot offered;
    uint64_t abi, ops_bytes;

    loader_slot(loader, index, &offered);
    if (!kernel->slot_type(kernel->context, offered.type, &abi, &ops_bytes))
        return refuse(loader, why, -ENOTSUP,
                      "it offers a policy for slots of type '%s', which this kernel does not have", offered.type);
    if (offered.abi != abi)
        return refuse(loader, why, -EABI,
                      "it was built against other declarations of slot type '%s' (fingerprint 0x%llx, the kernel's is "
                      "0x%llx); build it again with `make module`",
                      offered.type, (unsigned long long)offered.abi, (unsigned long long)abi);
    if (offered.ops_bytes < ops_bytes)
        return refuse(loader, why, -ENOEXEC, "its table of functions for slot type '%s' is cut off", offered.type);
    return 0;
}

static int check_export(const struct loader *loader, const struct loader_kernel *kernel, uint32_t index,
                        struct failure *why)
{
    struct loader_export export;
    const char *holder;

    loader_export(loader, index, &export);
    holder = kernel->exporter(kernel->context, export.name.text);
    if (!holder)
        return 0;
    if (!*holder)
        return refuse(loader, why, -EEXIST, "it exports '%.200s', which the kernel exports; give it another name",
                      export.name.text);
    return refuse(loader, why, -EEXIST,
                  "it exports '%.200s', which module '%s' exports; give it another name, or do without that module",
                  export.name.text, holder);
}

static int compare_names(const struct loader *loader, uint32_t left, uint32_t right)
{
    struct loader_export one, other;

    loader_export(loader, left, &one);
    loader_export(loader, right, &other);
    return strcmp(one.name.text, other.name.text);
}

static bool name_before(const struct loader *loader, uint32_t left, uint32_t right)
{
    return compare_names(loader, left, right) < 0;
}

/* Each name once: in the order of the alphabet equal ones are neighbours. */
static int check_repeated(const struct loader *loader, struct failure *why)
{
    uint32_t count = loader->declaration.exports, *order = loader_allocate(loader, count, sizeof *order);
    int error = 0;

    if (!order)
        return refuse(loader, why, -ENOMEM, "no memory for the order of %u exports", count);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    loader_sort(loader, order, count, name_before);
    for (uint32_t i = 1; i < count && !error; i++) {
        struct loader_export export;

        loader_export(loader, order[i], &export);
        if (compare_names(loader, order[i - 1], order[i]) == 0)
            error = refuse(loader, why, -EEXIST, "it exports '%.200s' twice", export.name.text);
    }
    loader_free(loader, order, count, sizeof *order);
    return error;
}

int loader_admit(const struct loader *loader, const struct loader_kernel *kernel, struct failure *why)
{
    const struct loader_declaration *declaration = &loader->declaration;
    int error = check_name(loader, why);

    for (uint32_t i = 0; i < declaration->slots && !error; i++)
        error = check_slot(loader, kernel, i, why);
    for (uint32_t i = 0; i < declaration->exports && !error; i++)
        error = check_export(loader, kernel, i, why);
    return error || declaration->exports < 2 ? error : check_repeated(loader, why);
}
