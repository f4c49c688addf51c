#include "base/tree.h"

/* The finaliser of Vigna's splitmix64 (2015): a bijection, so priorities tie only where seq does. */
static u64 priority(const struct tree_node *n)
{
	u64 z = n->seq + 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* Brings the sums of @p n up to date, its children's being right; false: they were. */
static bool sum(struct tree_node *n)
{
	const u64 masks = n->masks, least = n->least;

	n->masks = n->mask;
	n->least = n->floor;
	for (unsigned side = 0; side < 2; side++) {
		const struct tree_node *c = n->child[side];

		if (c) {
			n->masks |= c->masks;
			n->least = MIN(n->least, c->least);
		}
	}
	return n->masks != masks || n->least != least;
}

/* Makes @p to (or nothing) hang where @p n hangs. */
static void replace(struct tree *t, const struct tree_node *n, struct tree_node *to)
{
	if (!n->parent)
		t->root = to;
	else
		n->parent->child[n->parent->child[1] == n] = to;
	if (to)
		to->parent = n->parent;
}

/* Exchanges @p n, which is a child, with its parent; their order stays. */
static void rotate_up(struct tree *t, struct tree_node *n)
{
	struct tree_node *p = n->parent, *inner;
	bool right = p->child[1] == n;

	n->masks = p->masks; /* the same nodes are below */
	n->least = p->least;
	inner = n->child[!right];
	replace(t, p, n);
	p->child[right] = inner;
	if (inner)
		inner->parent = p;
	n->child[!right] = p;
	p->parent = n;
	(void)sum(p);
}

void tree_insert(struct tree *t, struct tree_node *n)
{
	const u64 key = n->key, mask = n->mask, floor = n->floor, own = priority(n);
	struct tree_node **at = &t->root, *p = NULL;

	while (*at) {
		p = *at;
		p->masks |= mask;
		p->least = MIN(p->least, floor);
		at = &p->child[key > p->key || (key == p->key && n->seq > p->seq)];
	}
	n->parent = p;
	n->child[0] = n->child[1] = NULL;
	n->masks = mask;
	n->least = floor;
	*at = n;
	while (n->parent && own < priority(n->parent))
		rotate_up(t, n);
}

void tree_remove(struct tree *t, struct tree_node *n)
{
	while (n->child[0] && n->child[1])
		rotate_up(t, n->child[priority(n->child[1]) < priority(n->child[0])]);
	replace(t, n, n->child[0] ? n->child[0] : n->child[1]);
	for (n = n->parent; n && sum(n); n = n->parent)
		;
}

/* Whether a node at or below @p n can fit. */
static bool promising(const struct tree_node *n, u64 mask, u64 limit)
{
	return n && n->masks & mask && n->least <= limit;
}

struct tree_node *tree_next(const struct tree *t, const struct tree_node *after, u64 mask, u64 limit)
{
	struct tree_node *n = after ? after->child[1] : t->root;
	const struct tree_node *from = after;

	for (;;) {
		if (promising(n, mask, limit)) {
			while (promising(n->child[0], mask, limit))
				n = n->child[0];
		} else {
			/* Up, to the first that comes behind. */
			for (n = from ? from->parent : NULL; n && n->child[1] == from; n = n->parent)
				from = n;
			if (!n)
				return NULL;
		}
		if (n->mask & mask && n->floor <= limit)
			return n;
		from = n;
		n = n->child[1];
	}
}
