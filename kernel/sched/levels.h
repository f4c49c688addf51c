/*
 * levels.h: 32 queues with a bitmap: the queue functions of the policies that have levels. The
 * key is 31 minus the level, so the least key is the lowest bit set. Entities that may run
 * everywhere stand in the levels' lists; those that may not, in one tree for all levels. So a CPU
 * compares two candidates at most. Without the second kind all is O(1); with r of them all is
 * O(log r) expected. Context and locks as in sched.h.
 */
#pragma once

#include "sched/ordered.h"

struct levels {
	u32 used; /* bit k: queue[k] is not empty */
	struct list queue[SCHED_LEVELS];
	struct ordered pinned;
};

/** The short ways, for an entity that may run everywhere. */
ALWAYS_INLINE void levels_add(struct levels *l, struct sched_entity *e, bool at_head)
{
	struct list *q = &l->queue[e->key];
	u32 bit = 1u << e->key, used = l->used;

	if (!(used & bit))
		list_init(q);
	l->used = used | bit;
	sched_arrive(e, at_head);
	if (at_head)
		list_add_head(q, &e->link);
	else
		list_add_tail(q, &e->link);
}

ALWAYS_INLINE void levels_remove(struct levels *l, struct sched_entity *e)
{
	struct list *next = e->link.next, *prev = e->link.prev;

	next->prev = prev;
	prev->next = next;
	if (next == prev) /* the head */
		l->used &= ~(1u << e->key);
}

/** Takes @p first, the first of the level of @p e, out, and puts @p e behind the last of it. */
ALWAYS_INLINE void levels_rotate(struct levels *l, struct sched_entity *first,
				 struct sched_entity *e)
{
	struct list *q = &l->queue[e->key];

	list_add_tail(q, &e->link);
	q->next = first->link.next;
	q->next->prev = q;
	sched_arrive(e, false);
}

/** While no entity is pinned and some is queued: the first. */
ALWAYS_INLINE struct sched_entity *levels_first(const struct levels *l)
{
	return LIST_ENTRY(l->queue[__builtin_ctz(l->used)].next, struct sched_entity, link);
}

/** The same, taken out. True: it was the last. */
ALWAYS_INLINE bool levels_pop(struct levels *l)
{
	struct list *q = &l->queue[__builtin_ctz(l->used)], *second = q->next->next;

	q->next = second;
	second->prev = q;
	if (second != q)
		return false;
	l->used &= l->used - 1;
	return !l->used;
}

/** What a release comes to. */
ALWAYS_INLINE void levels_begin(struct sched_entity *e, const struct sched_params *p)
{
	e->key = SCHED_LEVELS - 1u - p->level;
	e->quantum_ns = p->quantum_ns;
}

void levels_release(void *queue, struct sched_entity *e, const struct sched_params *p, u64 now_ns);
void levels_enqueue(void *queue, struct sched_entity *e, bool at_head);
void levels_dequeue(void *queue, struct sched_entity *e);
struct sched_entity *levels_peek(const void *queue, unsigned cpu);
unsigned levels_list(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max);

/** What the policies that have levels have in common. @p levels_: a policy's own. */
#define LEVELS_POLICY(levels_)                                                                     \
	.levels = true, .passes = true, .queue = &(levels_), .queue_bytes = sizeof(levels_),       \
	.release = levels_release, .enqueue = levels_enqueue, .dequeue = levels_dequeue,           \
	.peek = levels_peek, .list = levels_list
