/*
 * list.c: kernel/base/list.h, by induction: any circular list of up to 3 nodes and its head,
 * one operation.
 */
#include "prove.h"

#include "base/list.h"

#define NODES 3

static struct list head, node_0, node_1, node_2, fresh;
static struct list *const node[] = {&node_0, &node_1, &node_2};

/* Whether the list holds exactly these, in this order, in both directions. */
static bool holds(struct list *const *order, unsigned n)
{
	struct list *before = &head;

	for (unsigned i = 0; i < n; i++) {
		if (before->next != order[i] || order[i]->prev != before)
			return false;
		before = order[i];
	}
	return before->next == &head && head.prev == before;
}

static unsigned any_list(void)
{
	unsigned n = nondet_unsigned();

	ASSUME(n <= NODES);
	list_init(&head);
	for (unsigned i = 0; i < n; i++) {
		node[i]->next = &head;
		node[i]->prev = i ? node[i - 1] : &head;
		*(i ? &node[i - 1]->next : &head.next) = node[i];
		head.prev = node[i];
	}
	return n;
}

static void add(unsigned n, bool at_head)
{
	struct list *order[NODES + 1];

	for (unsigned i = 0; i < n; i++)
		order[i + at_head] = node[i];
	order[at_head ? 0 : n] = &fresh;
	list_init(&fresh);
	if (at_head)
		list_add_head(&head, &fresh);
	else
		list_add_tail(&head, &fresh);
	CLAIM(holds(order, n + 1), "the new one is first, or last, and the others stay");
}

static void del(unsigned n)
{
	struct list *order[NODES];
	unsigned i = nondet_unsigned(), rest = 0;

	ASSUME(i < n);
	for (unsigned j = 0; j < n; j++)
		if (j != i)
			order[rest++] = node[j];
	list_del(node[i]);
	CLAIM(holds(order, rest), "the others stay, in order");
	CLAIM(list_empty(node[i]), "what left is in no list");
	list_del(node[i]);
	CLAIM(holds(order, rest) && list_empty(node[i]), "to take it out again changes nothing");
}

static void read(unsigned n)
{
	unsigned seen = 0;

	CLAIM(list_empty(&head) == (n == 0), "empty when it has no node");
	CLAIM(list_first(&head) == (n ? node[0] : NULL), "the first, or none");
	LIST_FOR_EACH(it, &head)
	{
		CLAIM(seen < n && it == node[seen], "each once, in order");
		seen++;
	}
	CLAIM(seen == n, "all of them");
	CLAIM(holds(node, n), "to read changes nothing");
}

int main(void)
{
	unsigned n = any_list();
	u8 what = nondet_u8();

	REACHABLE(n == NODES && what == 2, "a full list");
	REACHABLE(n == 0 && what == 0, "an empty list");
	if (what < 2)
		add(n, what);
	else if (what == 2)
		del(n);
	else
		read(n);
	return 0;
}
