#include "sched/levels.h"

void levels_enqueue(void *queue, struct sched_entity *e, bool at_head)
{
	struct levels *l = queue;
	struct list *q = &l->queue[e->key];

	if (!(l->used & (1u << e->key)))
		list_init(q);
	l->used |= 1u << e->key;
	e->order = ++l->order;
	if (at_head)
		list_add_head(q, &e->link);
	else
		list_add_tail(q, &e->link);
}

void levels_dequeue(void *queue, struct sched_entity *e)
{
	struct levels *l = queue;

	list_del(&e->link);
	if (list_empty(&l->queue[e->key]))
		l->used &= ~(1u << e->key);
}

struct sched_entity *levels_peek(const void *queue)
{
	const struct levels *l = queue;

	if (!l->used)
		return NULL;
	return LIST_ENTRY(list_first(&l->queue[__builtin_ctz(l->used)]), struct sched_entity, link);
}

unsigned levels_list(const void *queue, struct sched_entity **best, unsigned max)
{
	const struct levels *l = queue;
	unsigned n = 0;

	for (u32 used = l->used; used; used &= used - 1) {
		LIST_FOR_EACH(it, &l->queue[__builtin_ctz(used)])
		{
			if (n == max)
				return n;
			best[n++] = LIST_ENTRY(it, struct sched_entity, link);
		}
	}
	return n;
}
