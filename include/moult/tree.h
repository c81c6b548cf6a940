/*
 * tree.h - an intrusive, balanced search tree whose nodes may carry a summary of their subtree, for policies and for
 * the core.
 *
 * An AVL tree (Adelson-Velsky and Landis, 1962): the heights of a node's two subtrees differ by one at most, so every
 * function here is O(log n) in the worst case. Insertion and removal mend the tree on one walk from the change towards
 * the root, which is also when summaries are renewed: `update(node)` computes the node's from its own value and its
 * children's, and says whether it is another than before.
 *
 * Nothing here allocates or takes a lock: the caller holds whatever lock guards the tree. `before` and `update` should
 * be functions that the compiler sees, so that no call through a pointer is left; `update` is NULL for a tree without
 * summaries.
 */
#ifndef MOULT_TREE_H
#define MOULT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be embedded; as the first member of a structure, a pointer to the one is a pointer to the other. */
struct tree_node {
    struct tree_node *parent;   /* NULL at the root */
    struct tree_node *child[2]; /* what comes before, what comes after */
    int height;                 /* 1 for a leaf */
};

/* Zeroed, it is an empty tree. */
struct tree {
    struct tree_node *root;
    struct tree_node *first; /* the first in order */
};

static inline int tree_height(const struct tree_node *node)
{
    return node ? node->height : 0;
}

/* The outermost node under `node`: the first in order for side 0, the last for 1. NULL for NULL. */
static inline struct tree_node *tree_outermost(struct tree_node *node, int side)
{
    while (node && node->child[side])
        node = node->child[side];
    return node;
}

/* The neighbour in order: the one before for side 0, the one after for 1; NULL at the end. */
static inline struct tree_node *tree_step(struct tree_node *node, int side)
{
    if (node->child[side])
        return tree_outermost(node->child[side], !side);
    while (node->parent && node->parent->child[side] == node)
        node = node->parent;
    return node->parent;
}

/* Renews what `node` says of its subtree. Its children's is right. True: it is another than before. */
static inline bool tree_renew(struct tree_node *node, bool (*update)(struct tree_node *node))
{
    int before = tree_height(node->child[0]), after = tree_height(node->child[1]), old = node->height;

    node->height = 1 + (before > after ? before : after);
    bool summary = update && update(node);
    return summary || node->height != old;
}

/* Puts `heir`, which may be NULL, where `node` hangs. */
static inline void tree_replace(struct tree *tree, struct tree_node *node, struct tree_node *heir)
{
    if (!node->parent)
        tree->root = heir;
    else
        node->parent->child[node->parent->child[1] == node] = heir;
    if (heir)
        heir->parent = node->parent;
}

/* Rotates the child on `side` into `node`'s place and returns it; what it says of its subtree is yet to be renewed. */
static inline struct tree_node *tree_rotate(struct tree *tree, struct tree_node *node, int side,
                                            bool (*update)(struct tree_node *node))
{
    struct tree_node *child = node->child[side], *inner = child->child[!side];

    tree_replace(tree, node, child);
    node->child[side] = inner;
    if (inner)
        inner->parent = node;
    child->child[!side] = node;
    node->parent = child;
    tree_renew(node, update);
    return child;
}

/*
 * Restores balance and summaries from `node` up, under which all is well, until nothing changes any more. `heir`,
 * which may be NULL, is a node on the way that has got a new place, and whose old state therefore tells nothing. With
 * no heir it is also to be called when a node's own value has changed, but not its place.
 */
static inline void tree_mend(struct tree *tree, struct tree_node *node, const struct tree_node *heir,
                             bool (*update)(struct tree_node *node))
{
    bool may_end = !heir;

    for (; node; node = node->parent) {
        int lean = tree_height(node->child[1]) - tree_height(node->child[0]);
        bool changed = lean > 1 || lean < -1;

        if (changed) {
            int side = lean > 0;
            struct tree_node *child = node->child[side];

            if (tree_height(child->child[!side]) > tree_height(child->child[side]))
                tree_rotate(tree, child, !side, update);
            node = tree_rotate(tree, node, side, update);
        }
        changed |= tree_renew(node, update);
        if (may_end && !changed)
            break;
        may_end |= node == heir;
    }
}

/* Inserts `node`, after those that it is not before. */
static inline void tree_insert(struct tree *tree, struct tree_node *node,
                               bool (*before)(const struct tree_node *a, const struct tree_node *b),
                               bool (*update)(struct tree_node *node))
{
    struct tree_node *parent = NULL, **link = &tree->root;
    bool first = true;

    while (*link) {
        int side = !before(node, *link);

        parent = *link;
        link = &parent->child[side];
        first &= !side;
    }
    node->parent = parent;
    node->child[0] = node->child[1] = NULL;
    *link = node;
    if (first)
        tree->first = node;
    node->height = 0;
    tree_mend(tree, node, NULL, update);
}

/* Removes `node`. */
static inline void tree_remove(struct tree *tree, struct tree_node *node, bool (*update)(struct tree_node *node))
{
    struct tree_node *changed, *heir = NULL; /* the lowest node under which something changes; who takes its place */

    if (tree->first == node)
        tree->first = tree_step(node, 1);
    if (node->child[0] && node->child[1]) {
        changed = heir = tree_outermost(node->child[1], 0);
        if (heir->parent != node) {
            changed = heir->parent;
            tree_replace(tree, heir, heir->child[1]);
            heir->child[1] = node->child[1];
            heir->child[1]->parent = heir;
        }
        heir->child[0] = node->child[0];
        heir->child[0]->parent = heir;
        tree_replace(tree, node, heir);
    } else {
        changed = node->parent;
        tree_replace(tree, node, node->child[node->child[0] == NULL]);
    }
    tree_mend(tree, changed, heir, update);
}

#endif
