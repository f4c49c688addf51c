/*
 * list.h: circular doubly linked intrusive list. The head is a node too; a node that is in no
 * list points to itself. All operations O(1). No locking: the owner of the head says which.
 */
#pragma once

#include "base/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/** Inserts @p n after @p at: with the head as @p at, n becomes the first. */
static inline void list_add_head(struct list *at, struct list *n)
{
	n->next = at->next;
	n->prev = at;
	at->next->prev = n;
	at->next = n;
}

/** Inserts @p n before @p at: with the head as @p at, n becomes the last. */
static inline void list_add_tail(struct list *at, struct list *n)
{
	n->next = at;
	n->prev = at->prev;
	at->prev->next = n;
	at->prev = n;
}

/** Takes @p n out of whichever list holds it; harmless when it is in none. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/** The first node, or NULL. */
static inline struct list *list_first(const struct list *l)
{
	return list_empty(l) ? NULL : l->next;
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)
#define LIST_FOR_EACH(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
