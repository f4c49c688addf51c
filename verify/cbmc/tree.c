/*
 * tree.c: kernel/base/tree.c, by induction: any treap of up to 3 nodes with any keys, masks and
 * floors, and one operation with a fourth, or on one of them. SEQS gives the nodes their numbers of
 * arrival, on which their priorities depend, by which a treap of given keys is the only one.
 */
#include "prove.h"

/*
 * The first priority() of tree.c is its definition, the others are calls. Those get, from a table,
 * what the definition gives for each node: CBMC takes minutes to multiply what it does not know.
 */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define priority(n) JOIN(priority_, __COUNTER__)(n)
#define priority_1  priority_of
#define priority_2  priority_of
#define priority_3  priority_of
#define priority_4  priority_of
struct tree_node;
static u64 priority_of(const struct tree_node *n);
#include "base/tree.c"

#ifndef NODES
#define NODES 4
#endif

static struct tree tree;
static struct tree_node node_0, node_1, node_2, node_3;
static struct tree_node *const node[] = {&node_0, &node_1, &node_2, &node_3};
static const u64 seqs[NODES] = {SEQS};
static u64 priorities[NODES];
static bool in[NODES];

static bool earlier(const struct tree_node *a, const struct tree_node *b)
{
	return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

static u64 priority_of(const struct tree_node *n)
{
	for (unsigned i = 0; i < NODES; i++)
		if (n == node[i])
			return priorities[i];
	return 0;
}

static struct tree_node *any_node(void)
{
	unsigned i = nondet_unsigned();

	ASSUME(i <= NODES);
	return i < NODES ? node[i] : NULL;
}

static bool is_in(const struct tree_node *n)
{
	for (unsigned i = 0; i < NODES; i++)
		if (n == node[i])
			return in[i];
	return false;
}

/* Whether b is n or below it: there are no more levels than nodes. */
static bool below(const struct tree_node *b, const struct tree_node *n)
{
	for (unsigned level = 0; level < NODES && b && b != n; level++)
		b = b->parent;
	return b == n;
}

static bool links_are_right(const struct tree_node *n)
{
	if (!n->parent
		    ? tree.root != n
		    : !is_in(n->parent) || (n->parent->child[0] == n) == (n->parent->child[1] == n))
		return false;
	for (unsigned side = 0; side < 2; side++) {
		const struct tree_node *c = n->child[side];

		if (c && (c == n || !is_in(c) || c->parent != n || earlier(c, n) != !side ||
			  priority_of(c) < priority_of(n)))
			return false;
	}
	return below(n, tree.root);
}

/* Order, sums: over all that is below. */
static bool subtree_is_right(const struct tree_node *n)
{
	u64 masks = n->mask, least = n->floor;

	for (unsigned i = 0; i < NODES; i++) {
		if (!in[i] || node[i] == n || !below(node[i], n))
			continue;
		masks |= node[i]->mask;
		least = MIN(least, node[i]->floor);
		if (n->child[0] && below(node[i], n->child[0]) && !earlier(node[i], n))
			return false;
		if (n->child[1] && below(node[i], n->child[1]) && earlier(node[i], n))
			return false;
	}
	return n->masks == masks && n->least == least;
}

static bool is_tree(void)
{
	bool some = false;

	for (unsigned i = 0; i < NODES; i++)
		if (in[i]) {
			some = true;
			if (!links_are_right(node[i]) || !subtree_is_right(node[i]))
				return false;
		}
	return some ? tree.root && !tree.root->parent : !tree.root;
}

static void any_tree(void)
{
	for (unsigned i = 0; i < NODES; i++) {
		struct tree_node *n = node[i];

		in[i] = i + 1 < NODES && nondet_bool();
		*n = (struct tree_node){.key = nondet_u8() % 4,
					.seq = seqs[i],
					.mask = nondet_u8() % 4,
					.floor = nondet_u8() % 4};
		priorities[i] = priority_0(n);
		if (!in[i])
			continue;
		n->parent = any_node();
		n->child[0] = any_node();
		n->child[1] = any_node();
		n->masks = nondet_u8() % 4;
		n->least = nondet_u8() % 4;
	}
	tree.root = any_node();
	ASSUME(!tree.root || is_in(tree.root));
	ASSUME(is_tree());
}

static void insert(void)
{
	tree_insert(&tree, node[NODES - 1]);
	in[NODES - 1] = true;
	CLAIM(is_tree(), "a treap of all, in order");
}

static void take_out(void)
{
	unsigned i = nondet_unsigned();

	ASSUME(i < NODES && in[i]);
	tree_remove(&tree, node[i]);
	in[i] = false;
	CLAIM(is_tree(), "a treap of the rest, in order");
}

/* By the contract: of those behind after that fit, the first. */
static void next(void)
{
	struct tree_node *after = any_node(), *found, *first = NULL;
	u64 mask = nondet_u8() % 4, limit = nondet_u8() % 4;

	ASSUME(!after || is_in(after));
	for (unsigned i = 0; i < NODES; i++)
		if (in[i] && node[i]->mask & mask && node[i]->floor <= limit &&
		    (!after || earlier(after, node[i])) && (!first || earlier(node[i], first)))
			first = node[i];
	found = tree_next(&tree, after, mask, limit);
	CLAIM(found == first, "the first behind it that fits");
	CLAIM(is_tree(), "to search changes nothing");
}

int main(void)
{
	any_tree();
	REACHABLE(in[0] && in[1] && in[2], "three nodes");
	REACHABLE(tree.root && tree.root->child[0] && tree.root->child[1],
		  "a root with two children");
	REACHABLE(in[0] && in[1] && node_0.key == node_1.key, "equal keys");
	OPERATION();
	return 0;
}
