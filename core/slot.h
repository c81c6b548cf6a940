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
struct shadow_type;
struct slot;

/* A policy that occupies a slot or may do so: an ops table, built in or a module's. */
struct policy {
    char name[MODULE_NAME_BYTES];
    const void *ops;
    struct module *module; /* NULL: built in */
    uint8_t side;          /* which half of every double place (struct thread's entities) is its own */
    void *memory;          /* what the slot type reserved for it */
    unsigned kind;         /* of the slot that it is for */
};

/* How far a hand-over in batches has come. The slot type's alone, but for the last two. */
struct slot_progress {
    unsigned queues;  /* CPUs' queues that are done */
    uint32_t entries; /* of the core's table, looked at */
    uint64_t moved;   /* objects handed over so far */
    uint64_t longest; /* cycles of the longest batch: no other CPU could use what it locked */
};

/*
 * What a type of slot defines. In a swap the functions are called by the swapper: validate, reserve, prepare; then
 * the state is handed over either at once, by transfer in a rendezvous, or in batches: begin in a rendezvous, step
 * with the machine running until nothing is left, finish in a rendezvous; then install. At the end release for the
 * policy that is given up, or carry_on for an old one that stays after all.
 */
struct slot_type {
    const char *name;
    uint64_t abi;      /* MOULT_ABI_<type> of this kernel */
    size_t ops_size;   /* of the ops table */
    size_t functions;  /* where the pointers to functions begin in the table; there is nothing else up to its end */
    const char *moves; /* what its state consists of: "threads" */
    /* Are the ops complete and their sizes in range? Fails with a sentence. */
    int (*validate)(const void *ops, struct failure *why);
    /* Takes the memory that the candidate will need, so that nothing after it can fail for memory. */
    int (*reserve)(struct policy *candidate, struct failure *why);
    /* Makes what reserve() took empty again. -EPROTO: a function of the policy failed (contain_reason()). */
    int (*renew)(struct policy *policy);
    /* Points the core at the memory of a policy that becomes the occupant. In a rendezvous, or before threads exist. */
    void (*install)(struct policy *policy);
    /* May the occupant hand over? 0, -EAGAIN: ask again, or no. */
    int (*prepare)(struct policy *occupant);
    void (*carry_on)(struct policy *occupant);
    /* In a rendezvous: moves the whole state; on an error `from` has it as before. NULL: in batches. */
    int (*transfer)(struct policy *from, struct policy *to, uint64_t *moved, struct failure *why);
    /* The ops that serve while a hand-over in batches is under way; NULL: those of the policy that takes over. */
    const void *dispatcher;
    /*
     * In a rendezvous: from now on those serve. Moves what cannot wait. Called with the roles exchanged in
     * the middle of a hand-over, it begins the way back.
     */
    void (*begin)(struct policy *from, struct policy *to);
    /*
     * The next batch. 1: there may be more; 0: nothing is left; -EPROTO: finish() will say who broke the contract.
     * NULL: there are no batches.
     */
    int (*step)(struct slot_progress *progress);
    /*
     * In a rendezvous: verifies the invariants, changes nothing. *culprit: the policy, of the two, that broke its
     * contract (then -EPROTO and `why`), or NULL.
     */
    int (*finish)(struct policy **culprit, struct failure *why);
    /* During a hand-over in batches: a policy of this module failed in one of its functions, as `what` says. */
    void (*breach)(const struct module *module, const char *what);
    /*
     * In a rendezvous: gives `to`, which is empty, everything from the core's own tables; whoever had it has failed,
     * and is not asked. -EPROTO: `to` failed as well (contain_reason()).
     */
    int (*rebuild)(struct policy *to, uint64_t *moved);
    /* What rebuild() left for later, the machine running: as step(). NULL: nothing. */
    int (*catch_up)(struct slot_progress *progress);
    /* Gives back what reserve() took. */
    void (*release)(struct policy *policy);
    /* (optional) The slot has had another occupant put in, and the machine runs: clears away what nobody uses now. */
    void (*tidy)(void);
    const struct shadow_type *shadow; /* how a policy runs in shadow: core/shadow.h; NULL: it cannot */
};

#define SLOT_REASON_BYTES 160 /* room for a sentence on how a policy failed */

enum slot_state {
    SLOT_ACTIVE,    /* the occupant serves */
    SLOT_SWAPPING,  /* a swap is under way */
    SLOT_PROBATION, /* the occupant serves, and the policy before it stands by */
};

/* Changed by the swapper only; the occupant and its standby in a rendezvous. */
struct slot {
    const char *name;
    const struct slot_type *type;
    struct policy *occupant;
    struct policy fallback;           /* built in; its memory is reserved at boot and kept */
    struct policy *standby;           /* the policy before, empty, ready to serve again; NULL: it was given up */
    bool keep;                        /* the standby stays after the probation */
    struct policy *shadow;            /* a candidate that runs beside the occupant; NULL: none */
    struct policy *candidate;         /* during a hand-over in batches: who shares the state with the occupant */
    uint64_t probation_end;           /* clock */
    uint64_t transaction;             /* number of the one that made the occupant */
    char previous[MODULE_NAME_BYTES]; /* the policy before this one, "" if there was none */
    char died[MODULE_NAME_BYTES];     /* the last policy that failed here, and how; "": none has */
    char reason[SLOT_REASON_BYTES];
    enum slot_state state;
    uint64_t swaps; /* committed so far */
};

/* The slot of that name, NULL if there is none; and all of them by index. */
struct slot *slot_find(const char *name);
struct slot *slot_at(unsigned index);

/* The type of slot of that name, NULL if there is none. */
const struct slot_type *slot_type_find(const char *name);

/*
 * Puts the fallback of one slot in place, and then of every other one. Once, before threads exist; the patching must
 * have been made possible.
 */
void slot_start(unsigned kind);
void slots_init(void);

/*
 * Points all of a slot's call sites at `ops`, or at the core's function that panics because a closed slot was called
 * (`ops` NULL). In a rendezvous, or before other CPUs run.
 */
void slot_sites_patch(const struct slot *slot, const void *ops);

/*
 * A policy's function failed as `what` says, and its call was abandoned: the slot of this kind is rescued, or its
 * hand-over told. `module`: whose; NULL: not known. Any context.
 */
void slot_fault(unsigned kind, const struct module *module, const char *what);

/* May calls of the slot of this kind lead into the module just now? Any context. */
bool slot_may_call(unsigned kind, const struct module *module);

/* Is the module's policy in some slot? */
bool slot_uses_module(const struct module *module);

#endif
