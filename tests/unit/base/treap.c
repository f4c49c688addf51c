/*
 * The ordered tree against an array that is searched from end to end.
 * cpus: 1
 * seeds: 1
 */
#include "../test.h"
#include "base/tree.h"

#define NODES 48u

static struct tree tree;
static struct tree_node nodes[NODES];
static bool inside[NODES];

static bool before(const struct tree_node *a, const struct tree_node *b)
{
	return a->key != b->key ? a->key < b->key : a->seq < b->seq;
}

static struct tree_node *model_next(const struct tree_node *after, u64 mask, u64 limit)
{
	struct tree_node *best = NULL;

	for (unsigned i = 0; i < NODES; i++) {
		struct tree_node *n = &nodes[i];

		if (inside[i] && n->mask & mask && n->floor <= limit &&
		    (!after || before(after, n)) && (!best || before(n, best)))
			best = n;
	}
	return best;
}

/* The sums and the order hold at every node; returns how many nodes there are. */
static unsigned check_subtree(const struct tree_node *n)
{
	unsigned count = 1;
	u64 masks = n->mask, least = n->floor;

	for (unsigned side = 0; side < 2; side++) {
		const struct tree_node *c = n->child[side];

		if (!c)
			continue;
		CHECK(c->parent == n);
		CHECK(side ? before(n, c) : before(c, n));
		masks |= c->masks;
		least = MIN(least, c->least);
		count += check_subtree(c);
	}
	CHECK_EQ(n->masks, masks);
	CHECK_EQ(n->least, least);
	return count;
}

static void check_searches(u64 *seed)
{
	for (unsigned i = 0; i < 4; i++) {
		u64 mask = 1ull << test_below(seed, 6), limit = test_below(seed, 12);
		const struct tree_node *n = NULL;

		do {
			const struct tree_node *expected = model_next(n, mask, limit);

			n = tree_next(&tree, n, mask, limit);
			CHECK(n == expected);
		} while (n);
	}
}

static void against_the_model(void)
{
	u64 seed = 1, seq = 0;
	unsigned count = 0;

	for (unsigned step = 0; step < 6000; step++) {
		unsigned i = (unsigned)test_below(&seed, NODES);

		if (inside[i]) {
			tree_remove(&tree, &nodes[i]);
			count--;
		} else {
			nodes[i] = (struct tree_node){.key = test_below(&seed, 8),
						      .seq = seq++,
						      .mask = test_below(&seed, 64),
						      .floor = test_below(&seed, 12)};
			tree_insert(&tree, &nodes[i]);
			count++;
		}
		inside[i] = !inside[i];
		CHECK_EQ(tree.root ? check_subtree(tree.root) : 0, count);
		if (step % 8 == 0)
			check_searches(&seed);
	}
}

static unsigned depth_of(const struct tree_node *n)
{
	unsigned depth = 0;

	for (; n; n = n->parent)
		depth++;
	return depth;
}

/* Rising keys make a list of a tree that is not balanced. */
static void stays_flat(void)
{
	static struct tree_node many[20000];
	static struct tree flat;
	unsigned deepest = 0;

	for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = (struct tree_node){.key = i, .seq = i, .mask = 1};
		tree_insert(&flat, &many[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(many); i++)
		deepest = MAX(deepest, depth_of(&many[i]));
	CHECK(deepest < 45); /* 3 log2 n */
	for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
		CHECK(tree_next(&flat, NULL, 1, TREE_NO_LIMIT) == &many[i]);
		tree_remove(&flat, &many[i]);
	}
	CHECK(!flat.root);
}

TESTS_MAIN(PLAIN(against_the_model), PLAIN(stays_flat));
