/*
 * ring.h - an intrusive circular list, for policies and for the core.
 *
 * A ring is known by a pointer to its first member, NULL when it is empty; or by a member of its own that is always in
 * (ring_take()). Every member stays linked to both neighbours, the last to the first, so that "the next one's turn" is
 * one load and one store. Nothing here allocates or takes a lock: the caller holds whatever lock guards the ring.
 */
#ifndef MOULT_RING_H
#define MOULT_RING_H

#include <stdbool.h>
#include <stddef.h>

/* To be embedded; as the first member of a structure, a pointer to the one is a pointer to the other. */
struct ring {
    struct ring *next;
    struct ring *previous;
};

/* Puts `member` before another one, `place`. O(1). */
static inline void ring_insert(struct ring *place, struct ring *member)
{
    struct ring *previous = place->previous;

    member->next = place;
    member->previous = previous;
    previous->next = member;
    place->previous = member;
}

/* Takes `member` out of a ring of more than one. O(1). */
static inline void ring_unlink(struct ring *member)
{
    struct ring *next = member->next, *previous = member->previous;

    previous->next = next;
    next->previous = previous;
}

/* Puts `member` at the end of the ring. O(1). */
static inline void ring_append(struct ring **first, struct ring *member)
{
    if (*first)
        ring_insert(*first, member);
    else
        *first = member->next = member->previous = member;
}

/* Takes `member` out; if it was the first, the one after it is. O(1). */
static inline void ring_remove(struct ring **first, struct ring *member)
{
    struct ring *next = member->next;

    if (next == member) {
        *first = NULL;
        return;
    }
    ring_unlink(member);
    if (*first == member)
        *first = next;
}

/* Is a ring that has a member of its own, `ends`, otherwise empty? */
static inline bool ring_is_empty(const struct ring *ends)
{
    return ends->next == ends;
}

/*
 * A ring with one member, `ends`, that stands for none: the first one comes after it, the last before it, and alone it
 * is empty. Going in and out then has no cases. Takes the first out; NULL: there is none. O(1).
 */
static inline struct ring *ring_take(struct ring *ends)
{
    struct ring *first = ends->next, *next;

    if (first == ends)
        return NULL;
    next = first->next;
    ends->next = next;
    next->previous = ends;
    return first;
}

#endif
