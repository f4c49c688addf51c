#include "base/heap.h"

static bool before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

/* Joins two trees whose roots have no siblings; either may be NULL. */
static struct heap_node *meld(struct heap_node *a, struct heap_node *b)
{
	if (!a)
		return b;
	if (!b)
		return a;
	if (before(b, a)) {
		struct heap_node *swap = a;

		a = b;
		b = swap;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

static struct heap_node *detach(struct heap_node *n)
{
	n->next = n->prev = NULL;
	return n;
}

/*
 * Makes one tree of a list of siblings in two passes: melds them in pairs from the left, then
 * the pairs from the right. A loop with its own stack (through next), because the list may be as
 * long as the heap and this runs in interrupts.
 */
static struct heap_node *meld_siblings(struct heap_node *first)
{
	struct heap_node *pairs = NULL, *tree = NULL;

	while (first) {
		struct heap_node *a = first, *b = first->next;

		first = b ? b->next : NULL;
		a = meld(detach(a), b ? detach(b) : NULL);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct heap_node *a = pairs;

		pairs = a->next;
		tree = meld(tree, detach(a));
	}
	return tree;
}

void heap_push(struct heap *h, struct heap_node *n)
{
	n->child = NULL;
	h->root = meld(h->root, detach(n));
}

/* Takes n out of its parent's list of children. */
static void cut(struct heap_node *n)
{
	if (n->prev->child == n)
		n->prev->child = n->next;
	else
		n->prev->next = n->next;
	if (n->next)
		n->next->prev = n->prev;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *below = meld_siblings(n->child);

	if (n == h->root) {
		h->root = below;
	} else {
		cut(n);
		h->root = meld(h->root, below);
	}
	n->child = NULL;
	detach(n);
}
