/*
 * ring.h - an intrusive circular list, for policies and for the core.
 *
 * A ring is known by a pointer to its first member, NULL when it is empty. Every member stays linked to both
 * neighbours, the last to the first, so that "the next one's turn" is one load and one store. Nothing here allocates
 * or takes a lock: the caller holds whatever lock guards the ring.
 */
#ifndef MOULT_RING_H
#define MOULT_RING_H

#include <stddef.h>

/* To be embedded; as the first member of a structure, a pointer to the one is a pointer to the other. */
struct ring {
    struct ring *next;
    struct ring *previous;
};

/* Puts `member` at the end of the ring. O(1). */
static inline void ring_append(struct ring **first, struct ring *member)
{
    struct ring *head = *first;

    if (!head) {
        *first = member->next = member->previous = member;
        return;
    }
    member->next = head;
    member->previous = head->previous;
    head->previous->next = member;
    head->previous = member;
}

/* Takes `member` out; if it was the first, the one after it is. O(1). */
static inline void ring_remove(struct ring **first, struct ring *member)
{
    struct ring *next = member->next, *previous = member->previous;

    if (next == member) {
        *first = NULL;
        return;
    }
    previous->next = next;
    next->previous = previous;
    if (*first == member)
        *first = next;
}

/* Takes the first member out and returns it; NULL: there is none. O(1). */
static inline struct ring *ring_take(struct ring **first)
{
    struct ring *head = *first, *next;

    if (!head)
        return NULL;
    next = head->next;
    if (next == head) {
        *first = NULL;
        return head;
    }
    next->previous = head->previous;
    next->previous->next = next;
    *first = next;
    return head;
}

#endif
