/*
 * tree.h: intrusive ordered tree that also finds the first node that fits: a treap (Aragon and
 * Seidel, "Randomized search trees", FOCS 1989) whose priorities are a hash of seq, so the same
 * operations give the same tree everywhere. Each node knows the OR of all masks and the least of
 * all floors in its subtree, so a search passes by whole subtrees in which nothing can fit.
 *
 * Order: by key, then by seq; no two nodes of a tree have both in common. All loops, no recursion,
 * no allocation. insert and remove O(log n) expected. next: O(log n) expected when it asks for one
 * of the two, mask or floor, because then a subtree that may hold a fitting node does; when it
 * asks for both, a subtree may satisfy them with different nodes and be searched in vain. No
 * locking: the owner of the tree says which.
 */
#pragma once

#include "base/types.h"

struct tree_node {
	/* Set by the owner; unchanged while the node is in a tree. */
	u64 key, seq;
	u64 mask; /* fits a search for any of these bits */
	struct tree_node *parent, *child[2];
	u64 floor; /* the owner's, too: fits a search whose limit is at least this */
	/* Over the subtree. */
	u64 masks, least;
};

struct tree {
	struct tree_node *root;
};

#define TREE_NO_LIMIT UINT64_MAX

/** Adds @p n, which is in no tree. */
void tree_insert(struct tree *t, struct tree_node *n);

/** Takes @p n, which must be in @p t, out of it. */
void tree_remove(struct tree *t, struct tree_node *n);

/**
 * The first node behind @p after (NULL: the first of all) with a bit of @p mask in its mask and a
 * floor of at most @p limit; NULL when there is none.
 */
struct tree_node *tree_next(const struct tree *t, const struct tree_node *after, u64 mask,
			    u64 limit);
