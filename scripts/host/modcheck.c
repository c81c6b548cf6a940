/* sources: scripts/host/modcheck/map.c scripts/host/modcheck/report.c loader/loader.c loader/object.c loader/layout.c
   loader/symbols.c loader/image.c loader/relocate.c loader/x86_64.c loader/admit.c loader/arrays.c loader/sort.c
   loader/declaration.c core/text.c core/errors.c core/signature.c build/trusted_key.c */
/*
 * modcheck.c - says without booting whether objects would load, and writes the image that the kernel would make.
 *
 * The loader is the kernel's own. Objects are loaded one after the other, each behind the one before, and a later one
 * may link to what an earlier one exports.
 */
#define _GNU_SOURCE
#include "arch/x86/include/arch/memory.h"
#include "core/signature.h"
#include "loader/loader.h"
#include "scripts/host/modcheck/map.h"
#include "scripts/host/modcheck/report.h"
#include <err.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <moult/console.h>
#include <moult/frames.h>
#include <moult/heap.h>
#include <moult/idle.h>
#include <moult/irq.h>
#include <moult/irqroute.h>
#include <moult/log.h>
#include <moult/module.h>
#include <moult/monitor.h>
#include <moult/sched.h>
#include <moult/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_REFUSED 1
#define EXIT_USAGE 64

static const char usage_text[] =
    "usage: modcheck FILE.o... [--base ADDRESS] [--image OUT] [--define NAME=ADDRESS]... [-j]\n"
    "Says whether the kernel would load these objects, one after the other; later ones see what earlier ones export.\n"
    "  --base ADDRESS          where the first one is loaded (a multiple of its alignment; default 0x%lx)\n"
    "  --image OUT             writes the image of the last one\n"
    "  --define NAME=ADDRESS   a further symbol; comes before the kernel's\n"
    "  -j                      one line of JSON for each object\n"
    "It also says whether they are signed with the key that the kernel was built with. Those that the boot archive's\n"
    "manifest lists need no signature of their own, so the exit status does not depend on it.\n"
    "Exit status: 0 all load, 1 one would not, 64 usage.\n";

/* What the command line asks for, and what is known by now. */
struct session {
    struct map defined;  /* by --define */
    struct map exported; /* by the kernel and by the modules so far */
    struct map modules;  /* those so far, by name */
    uint64_t next;       /* where the next object goes, or after it, to suit its alignment */
    bool based;          /* --base says where objects go; the end of the kernel's addresses for modules is no limit */
    bool fixed;          /* `next` is what --base gave: it must suit as it is */
    const char *image;   /* file to write, or NULL */
    bool json;
};

/* One object on its way through the loader. */
struct object {
    const char *file;
    void *bytes;
    size_t size; /* without the signature */
    enum signature signature;
    void *image;
    bool placed;
    struct loader_environment environment;
    struct loader loader;
};

_Noreturn static void usage(void)
{
    fprintf(stderr, usage_text, MODULES_BASE);
    exit(EXIT_USAGE);
}

static bool resolve(void *context, const char *name, uint64_t *address)
{
    const struct session *session = context;
    const struct map_entry *entry = map_find(&session->defined, name) ?: map_find(&session->exported, name);

    if (entry)
        *address = entry->address;
    return entry;
}

static bool find_slot_type(void *context, const char *name, uint64_t *abi, uint64_t *ops_bytes)
{
#define X(type) {#type, MOULT_ABI_##type, sizeof(struct type##_ops)},
    static const struct {
        const char *name;
        uint64_t abi, ops_bytes;
    } types[] = {MOULT_SLOT_TYPES(X)};
#undef X

    (void)context;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        *abi = types[i].abi;
        *ops_bytes = types[i].ops_bytes;
        return true;
    }
    return false;
}

static const char *find_exporter(void *context, const char *name)
{
    const struct session *session = context;
    const struct map_entry *entry = map_find(&session->exported, name);

    return entry ? entry->owner : NULL;
}

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

/* Reads a whole file; a failure is one of loading it. */
static int read_file(struct object *object, struct failure *why)
{
    FILE *stream = fopen(object->file, "rb");
    struct stat status;
    int error = 0;

    if (!stream) {
        error = fail(why, -ENOENT, "%s: there is no such file that can be read", object->file);
    } else if (fstat(fileno(stream), &status) || !S_ISREG(status.st_mode)) {
        error = fail(why, -ENOEXEC, "%s: is no regular file", object->file);
    } else {
        object->size = (size_t)status.st_size;
        object->bytes = malloc(object->size + 1);
        if (!object->bytes || fread(object->bytes, 1, object->size, stream) != object->size)
            error = fail(why, -EIO, "%s: cannot be read", object->file);
    }
    if (!error) {
        object->signature = signature_check(object->bytes, object->size, trusted_key);
        object->size = signature_contents(object->bytes, object->size);
    }
    if (stream)
        fclose(stream);
    return error;
}

/* Gives the object its base address. Without --base there must be addresses for modules left, as in the kernel. */
static int place(struct session *session, struct object *object, struct failure *why)
{
    struct loader *loader = &object->loader;
    uint64_t left = MODULES_BASE + MODULES_SIZE - PAGE_SIZE - session->next; /* a guard page is at the end */

    if (!session->based && loader->bytes_most + loader->alignment > left)
        return fail(why, -ENOMEM, "%s: there are no %llu bytes of addresses at a multiple of 0x%llx left for modules",
                    object->environment.name, (unsigned long long)loader->bytes_most,
                    (unsigned long long)loader->alignment);
    if (!session->fixed)
        session->next += -session->next & (loader->alignment - 1);
    session->fixed = false;
    object->placed = loader_place(loader, session->next, why) == 0;
    return object->placed ? 0 : why->code;
}

/* Would the kernel take the module? Then its names are known from now on. */
static int admit(struct session *session, const struct object *object, struct failure *why)
{
    const struct loader_kernel kernel = {.context = session, .slot_type = find_slot_type, .exporter = find_exporter};
    const char *name = object->environment.name;
    struct loader_export export;
    int error;

    if (map_find(&session->modules, name))
        return fail(why, -EEXIST, "there is a module '%s' already", name);
    error = loader_admit(&object->loader, &kernel, why);
    if (error)
        return error;
    map_set(&session->modules, name, object->loader.base, "");
    for (uint32_t i = 0; i < object->loader.declaration.exports; i++) {
        loader_export(&object->loader, i, &export);
        map_set(&session->exported, export.name.text, export.address, name);
    }
    return 0;
}

/* An object that declares no module is checked for linking alone. */
static int load(struct session *session, struct object *object, struct failure *why)
{
    struct loader *loader = &object->loader;
    int error = read_file(object, why);

    if (!error)
        error = loader_plan(loader, &object->environment, object->bytes, object->size, why);
    if (!error)
        error = place(session, object, why);
    if (error)
        return error;
    object->image = calloc(1, loader->image_bytes + 1);
    if (!object->image)
        return fail(why, -ENOMEM, "%s: no memory for an image of %llu bytes", object->file,
                    (unsigned long long)loader->image_bytes);
    error = loader_link(loader, object->image, why);
    return error || !loader->declaration.declared ? error : admit(session, object, why);
}

static void write_image(const char *path, const void *image, size_t bytes)
{
    FILE *stream = fopen(path, "wb");

    if (!stream || fwrite(image, 1, bytes, stream) != bytes || fclose(stream))
        err(EXIT_REFUSED, "%s", path);
}

/* Loads one object, says what came of it, and makes place for the next. Returns whether it loads. */
static bool check(struct session *session, const char *file, bool last)
{
    struct object object = {.file = file};
    char name[64];
    struct failure why = {0};
    int error;

    snprintf(name, sizeof name, "%s", basename((char *)file));
    if (strlen(name) > 2 && strcmp(name + strlen(name) - 2, ".o") == 0)
        name[strlen(name) - 2] = 0;
    object.environment = (struct loader_environment){
        .name = name, .context = session, .resolve = resolve, .allocate = allocate, .release = release};
    error = load(session, &object, &why);
    if (session->json)
        report_json(file, &object.loader, object.placed, object.signature, error, &why);
    else
        report_text(file, &object.loader, object.signature, error, &why);
    if (!error && last && session->image)
        write_image(session->image, object.image, object.loader.image_bytes);
    session->next += object.loader.bytes;
    if (object.bytes)
        loader_close(&object.loader);
    free(object.image);
    free(object.bytes);
    return !error;
}

static void define(struct session *session, const char *text)
{
    const char *equals = strchr(text, '=');
    uint64_t address;
    char *name;

    if (!equals || equals == text || !text_to_number(equals + 1, &address))
        usage();
    name = strndup(text, (size_t)(equals - text));
    if (!name)
        err(EXIT_REFUSED, "--define");
    map_set(&session->defined, name, address, "");
    free(name);
}

/* The kernel's symbols: moult.sym in the folder above that of this program. */
static void read_kernel_map(struct session *session)
{
    char program[PATH_MAX], path[PATH_MAX + 16];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length < 0)
        return;
    program[length] = 0;
    snprintf(path, sizeof path, "%s/../moult.sym", dirname(program));
    map_read_exports(&session->exported, path);
}

static bool read_base(struct session *session, const char *text)
{
    if (!text_to_number(text, &session->next))
        usage();
    session->based = true;
    return true;
}

static void read_options(struct session *session, int count, char **arguments)
{
    static const struct option options[] = {{"base", required_argument, NULL, 'b'},
                                            {"image", required_argument, NULL, 'i'},
                                            {"define", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;

    while ((option = getopt_long(count, arguments, "jh", options, NULL)) != -1) {
        if (option == 'b')
            session->fixed = read_base(session, optarg);
        else if (option == 'i')
            session->image = optarg;
        else if (option == 'd')
            define(session, optarg);
        else if (option == 'j')
            session->json = true;
        else if (option == 'h' && printf(usage_text, MODULES_BASE))
            exit(0);
        else
            usage();
    }
    if (optind == count)
        usage();
}

int main(int count, char **arguments)
{
    struct session session = {.next = MODULES_BASE};
    bool all = true;

    read_options(&session, count, arguments);
    read_kernel_map(&session);
    for (int i = optind; i < count; i++)
        all &= check(&session, arguments[i], i == count - 1);
    map_clear(&session.defined);
    map_clear(&session.exported);
    map_clear(&session.modules);
    return all ? 0 : EXIT_REFUSED;
}
