/*
 * slot.h - named, typed places where a policy is plugged in, and the call sites that lead to it.
 *
 * A slot is called by direct calls. Every call site is listed in the section .moult.slot_sites; while a swap is
 * committed they are patched to the new occupant's functions, or to a no-operation where it leaves an optional
 * function out; and places before some of them to a jump over what the call would need (core/slot_call.h).
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include <moult/errors.h>
#include <moult/module.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module;
struct slot;

/* A policy that occupies a slot or may do so: an ops table, built in or a module's. */
struct policy {
    char name[MODULE_NAME_BYTES];
    const void *ops;
    struct module *module; /* NULL: built in */
    uint8_t side;          /* which half of every double place (struct thread's entities) is its own */
    void *memory;          /* what the slot type reserved for it */
};

/*
 * What a type of slot defines. In a swap the functions are called by the swapper in this order: validate, reserve,
 * prepare; transfer in a rendezvous; release for whichever of the two policies is no longer the occupant, carry_on
 * for an old one that stays after all.
 */
struct slot_type {
    const char *name;
    uint64_t abi;    /* MOULT_ABI_<type> of this kernel */
    size_t ops_size; /* of the ops table */
    /* Are the ops complete and their sizes in range? Fails with a sentence. */
    int (*validate)(const void *ops, struct failure *why);
    /* Takes the memory that the candidate will need, so that nothing after it can fail for memory. */
    int (*reserve)(struct policy *candidate, struct failure *why);
    /* Makes what reserve() took empty again. */
    void (*renew)(struct policy *policy);
    /* Points the core at the memory of a policy that becomes the occupant. In a rendezvous, or before threads exist. */
    void (*install)(struct policy *policy);
    /* May the occupant hand over? 0, -EAGAIN: ask again, or no. */
    int (*prepare)(struct policy *occupant);
    void (*carry_on)(struct policy *occupant);
    /*
     * In a rendezvous: moves everything from one policy to the other and verifies the invariants; on an error
     * everything is back with `from`. `moved` counts what was handed over. `fail`: to fail on purpose when half is
     * done.
     */
    int (*transfer)(struct policy *from, struct policy *to, uint64_t *moved, bool fail, struct failure *why);
    /*
     * In a rendezvous: gives `to` everything from the core's own tables; the policy that had it has failed, and is
     * not asked.
     */
    void (*rebuild)(struct policy *to, uint64_t *moved);
    /* Gives back what reserve() took. */
    void (*release)(struct policy *policy);
};

enum slot_state {
    SLOT_ACTIVE,   /* the occupant serves */
    SLOT_SWAPPING, /* a swap is under way */
};

struct slot {
    const char *name;
    const struct slot_type *type;
    struct policy *occupant;
    struct policy fallback;           /* built in; its memory is reserved at boot and kept */
    char previous[MODULE_NAME_BYTES]; /* the policy before this one, "" if there was none */
    enum slot_state state;
    uint64_t swaps; /* committed so far */
};

/* The slot of that name, NULL if there is none; and all of them by index. */
struct slot *slot_find(const char *name);
struct slot *slot_at(unsigned index);

/* The type of slot of that name, NULL if there is none. */
const struct slot_type *slot_type_find(const char *name);

/* Puts the fallback of every slot in place. Once, before threads exist. */
void slots_init(void);

/*
 * Points all of a slot's call sites at `ops`, or at the core's function that panics because a closed slot was called
 * (`ops` NULL). In a rendezvous, or before other CPUs run.
 */
void slot_sites_patch(const struct slot *slot, const void *ops);

/* The slot's fallback, empty and ready to become the occupant, which it is not now. Cannot fail. Swapper only. */
struct policy *slot_fallback(struct slot *slot);

/* Is the module's policy in some slot? */
bool slot_uses_module(const struct module *module);

#endif
