/*
 * sdk_containers.c - include/moult/ring.h and tree.h against plain arrays.
 */
#include <moult/ring.h>
#include <moult/tree.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS 300

static struct item {
    struct tree_node node;
    struct ring ring;
    unsigned key, value;
    unsigned sum; /* of the values of its subtree */
    bool in;
} item[ITEMS];
static struct item *list[ITEMS]; /* in order */
static unsigned length;
static struct tree tree;

static uint64_t random_state;
static unsigned random_below(unsigned limit)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (random_state >> 33) % limit;
}

static struct item *item_of(const struct tree_node *node)
{
    return (struct item *)(uintptr_t)node;
}

static bool before(const struct tree_node *a, const struct tree_node *b)
{
    return item_of(a)->key < item_of(b)->key;
}

static bool add_up(struct tree_node *node)
{
    unsigned sum = item_of(node)->value;

    for (int side = 0; side < 2; side++)
        sum += node->child[side] ? item_of(node->child[side])->sum : 0;
    bool changed = sum != item_of(node)->sum;
    item_of(node)->sum = sum;
    return changed;
}

/* Heights, balance, links and sums of a subtree; returns the number of its nodes. */
static unsigned check_subtree(const struct tree_node *node, const struct tree_node *parent)
{
    if (!node)
        return 0;
    unsigned count = 1 + check_subtree(node->child[0], node) + check_subtree(node->child[1], node);
    int left = tree_height(node->child[0]), right = tree_height(node->child[1]);
    unsigned sum = item_of(node)->sum;
    assert_ptr_equal(node->parent, parent);
    assert_true(left - right <= 1 && right - left <= 1);
    assert_int_equal(node->height, 1 + (left > right ? left : right));
    assert_false(add_up((struct tree_node *)(uintptr_t)node));
    assert_int_equal(item_of(node)->sum, sum);
    return count;
}

static void check_tree(void)
{
    struct tree_node *node = tree.first;

    assert_int_equal(check_subtree(tree.root, NULL), length);
    assert_ptr_equal(node, tree_outermost(tree.root, 0));
    for (unsigned i = 0; i < length; i++, node = tree_step(node, 1)) {
        assert_ptr_equal(node, &list[i]->node);
        assert_ptr_equal(tree_step(node, 0), i ? &list[i - 1]->node : NULL);
    }
    assert_null(node);
}

/* Puts an item after those of the same key, as the tree is to do. */
static void list_insert(struct item *new)
{
    unsigned at = length++;

    for (; at && list[at - 1]->key > new->key; at--)
        list[at] = list[at - 1];
    list[at] = new;
}

static void list_remove(const struct item *old)
{
    unsigned at = 0;

    while (list[at] != old)
        at++;
    memmove(&list[at], &list[at + 1], (--length - at) * sizeof(list[0]));
}

static void tree_as_a_sorted_array(void **state)
{
    (void)state;
    for (unsigned keys = 1; keys < 100000; keys *= 7) {
        memset(item, 0xee, sizeof(item));
        memset(&tree, length = 0, sizeof(tree));
        for (unsigned i = 0; i < ITEMS; i++)
            item[i].in = false;
        for (unsigned step = 0; step < 6000; step++) {
            struct item *any = &item[random_below(1 + step * ITEMS / 6000)];
            if (any->in && random_below(4) == 0) {
                any->value = random_below(1000);
                tree_mend(&tree, &any->node, NULL, add_up);
            } else if (any->in) {
                tree_remove(&tree, &any->node, add_up);
                list_remove(any);
                any->in = false;
            } else {
                any->key = random_below(keys);
                any->value = random_below(1000);
                tree_insert(&tree, &any->node, before, add_up);
                list_insert(any);
                any->in = true;
            }
            if (step % 5 == 0)
                check_tree();
        }
        assert_true(length > ITEMS / 4);
    }
}

/* In order, the worst case of a tree that is not balanced. */
static void height_is_logarithmic(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        memset(&tree, 0, sizeof(tree));
        for (unsigned i = 0; i < ITEMS; i++) {
            item[i].key = way ? ITEMS - i : i;
            tree_insert(&tree, &item[i].node, before, NULL);
        }
        assert_true(tree_height(tree.root) <= 11); /* 1.44 * log2(300 + 2) - 0.3 */
        for (unsigned i = 0; i < ITEMS; i++)
            tree_remove(&tree, &item[i].node, NULL);
        assert_null(tree.root);
        assert_null(tree.first);
    }
}

static void ring_as_an_array(void **state)
{
    struct ring *first = NULL;

    (void)state;
    length = 0;
    for (unsigned i = 0; i < ITEMS; i++)
        item[i].in = false;
    for (unsigned step = 0; step < 5000; step++) {
        struct item *any = &item[random_below(30)];
        if (any->in) {
            ring_remove(&first, &any->ring);
            list_remove(any);
        } else {
            ring_append(&first, &any->ring);
            list[length++] = any;
        }
        any->in = !any->in;
        struct ring *member = first;
        for (unsigned i = 0; i < length; i++, member = member->next) {
            assert_ptr_equal(member, &list[i]->ring);
            assert_ptr_equal(member->previous->next, member);
        }
        assert_ptr_equal(member, first);
    }
}

/* A ring with ends of its own. */
static void line_as_an_array(void **state)
{
    struct ring ends = {&ends, &ends};

    (void)state;
    length = 0;
    for (unsigned i = 0; i < ITEMS; i++)
        item[i].in = false;
    for (unsigned step = 0; step < 5000; step++) {
        struct item *any = &item[random_below(30)];
        if (any->in && any == list[0])
            assert_ptr_equal(ring_take(&ends), &any->ring);
        else if (any->in)
            ring_unlink(&any->ring);
        else
            ring_insert(&ends, &any->ring);
        if (any->in)
            list_remove(any);
        else
            list[length++] = any;
        any->in = !any->in;
        struct ring *member = ends.next;
        for (unsigned i = 0; i < length; i++, member = member->next) {
            assert_ptr_equal(member, &list[i]->ring);
            assert_ptr_equal(member->previous->next, member);
        }
        assert_ptr_equal(member, &ends);
        assert_int_equal(ring_is_empty(&ends), length == 0);
    }
    for (; length > 0; list_remove(list[0]))
        assert_ptr_equal(ring_take(&ends), &list[0]->ring);
    assert_null(ring_take(&ends));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_as_a_sorted_array),
        cmocka_unit_test(height_is_logarithmic),
        cmocka_unit_test(ring_as_an_array),
        cmocka_unit_test(line_as_an_array),
    };

    return cmocka_run_group_tests_name("sdk_containers", tests, NULL, NULL);
}
