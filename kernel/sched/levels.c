#include "sched/levels.h"

void levels_release(void *queue, struct sched_entity *e, const struct sched_params *p, u64 now_ns)
{
	(void)queue, (void)now_ns;
	levels_begin(e, p);
}

static bool is_pinned(const struct sched_entity *e)
{
	return e->cpus != SCHED_CPUS_ALL;
}

void levels_enqueue(void *queue, struct sched_entity *e, bool at_head)
{
	struct levels *l = queue;

	if (is_pinned(e))
		ordered_enqueue(&l->pinned, e, at_head);
	else
		levels_add(l, e, at_head);
}

void levels_dequeue(void *queue, struct sched_entity *e)
{
	struct levels *l = queue;

	if (is_pinned(e))
		ordered_dequeue(&l->pinned, e);
	else
		levels_remove(l, e);
}

/* The entity behind @p e (NULL: the first) of those in lists; or NULL. */
static struct sched_entity *next_free(const struct levels *l, const struct sched_entity *e)
{
	u32 rest = l->used;

	if (e && e->link.next != &l->queue[e->key])
		return LIST_ENTRY(e->link.next, struct sched_entity, link);
	if (e)
		rest &= ~1u << e->key;
	if (!rest)
		return NULL;
	return LIST_ENTRY(l->queue[__builtin_ctz(rest)].next, struct sched_entity, link);
}

static struct sched_entity *next_pinned(const struct levels *l, const struct sched_entity *e,
					unsigned cpu)
{
	return ordered_entity(tree_next(&l->pinned.tree, e ? &e->node : NULL, 1ull << cpu,
					TREE_NO_LIMIT));
}

/* The more urgent of the two; either may be NULL. */
static struct sched_entity *first_of(struct sched_entity *open, struct sched_entity *pinned)
{
	if (!open || !pinned)
		return open ? open : pinned;
	if (open->key != pinned->key)
		return open->key < pinned->key ? open : pinned;
	return open->seq < pinned->seq ? open : pinned;
}

struct sched_entity *levels_peek(const void *queue, unsigned cpu)
{
	const struct levels *l = queue;

	return first_of(next_free(l, NULL), next_pinned(l, NULL, cpu));
}

unsigned levels_list(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max)
{
	const struct levels *l = queue;
	struct sched_entity *open = next_free(l, NULL), *pinned = next_pinned(l, NULL, cpu);
	unsigned n = 0;

	while (n < max && (open || pinned)) {
		struct sched_entity *e = best[n++] = first_of(open, pinned);

		if (e == open)
			open = next_free(l, open);
		else
			pinned = next_pinned(l, pinned, cpu);
	}
	return n;
}
