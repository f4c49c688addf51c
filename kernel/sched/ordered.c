#include "sched/ordered.h"

_Static_assert(offsetof(struct sched_entity, node.mask) == offsetof(struct sched_entity, cpus),
	       "a node's key, seq and mask are its entity's");

void ordered_insert(struct ordered *q, struct sched_entity *e, bool at_head, u64 floor)
{
	sched_arrive(e, at_head);
	e->node.floor = floor;
	tree_insert(&q->tree, &e->node);
}

void ordered_enqueue(void *queue, struct sched_entity *e, bool at_head)
{
	ordered_insert(queue, e, at_head, 0);
}

void ordered_dequeue(void *queue, struct sched_entity *e)
{
	tree_remove(&((struct ordered *)queue)->tree, &e->node);
}

struct sched_entity *ordered_peek(const void *queue, unsigned cpu)
{
	const struct ordered *q = queue;

	return ordered_entity(tree_next(&q->tree, NULL, 1ull << cpu, TREE_NO_LIMIT));
}

unsigned ordered_list(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max)
{
	const struct ordered *q = queue;
	struct tree_node *n = NULL;
	unsigned i = 0;

	while (i < max && (n = tree_next(&q->tree, n, 1ull << cpu, TREE_NO_LIMIT)))
		best[i++] = ordered_entity(n);
	return i;
}
