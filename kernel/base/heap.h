/*
 * heap.h: intrusive pairing heap (Fredman, Sedgewick, Sleator, Tarjan: "The pairing heap: a new
 * form of self-adjusting heap", Algorithmica 1, 1986). Nodes live in their owners, so nothing is
 * allocated. push and peek O(1), pop and remove O(log n) amortised.
 *
 * Order: by key, then by seq; the caller numbers its nodes, so equal keys leave in order of
 * arrival. No locking: the owner of the heap says which.
 */
#pragma once

#include "base/types.h"

struct heap_node {
	struct heap_node *child; /* first child */
	struct heap_node *next;	 /* next sibling */
	struct heap_node *prev;	 /* previous sibling, or the parent of a first child */
	u64 key;
	u64 seq;
};

struct heap {
	struct heap_node *root;
};

/** Adds @p n, whose key and seq are set and stay unchanged while it is in the heap. */
void heap_push(struct heap *h, struct heap_node *n);

/** The least node, or NULL. */
static inline struct heap_node *heap_peek(const struct heap *h)
{
	return h->root;
}

/** Takes @p n, which must be in @p h, out of it. */
void heap_remove(struct heap *h, struct heap_node *n);
