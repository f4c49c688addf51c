/*
 * runqueue.h: entering and leaving a shard's queues, and its first task: the short ways, which
 * the hot paths inline. Context: interrupts masked, the shard's lock held.
 */
#pragma once

#include "sched/levels.h"
#include "task/executor.h"

/** Publishes that @p t came to its home, or left it. With one shard nobody reads it. */
void shard_publish_added(const struct task *t) REQUIRES(t->home->lock);
void shard_publish_removed(const struct task *t) REQUIRES(t->home->lock);

/** shard_first in general: any class, and pinned tasks. */
struct task *shard_search(const struct shard *s, unsigned cpu) REQUIRES(s->lock);

/* relaxed, both: written under the lock, and read without it for people only, or for whether a
 * task is pinned, by who then takes the lock or whom the writer hints later */
ALWAYS_INLINE void count(_Atomic u32 *n, int by)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + (u32)by,
			      memory_order_relaxed);
}

ALWAYS_INLINE u32 counted(const _Atomic u32 *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static inline void *queue_of(const struct task *t) REQUIRES(t->home->lock)
{
	return t->home->queue[t->policy->urgency];
}

/** One more or less pinned task in the home of @p t. */
static inline void count_pinned(const struct task *t, int by) REQUIRES(t->home->lock)
{
	struct shard *s = t->home;

	count(&s->pinned, by);
	s->simple = s->shared || counted(&s->pinned) ? 0 : levels_classes;
}

/** Queues @p t, which is in no queue, as ready, and publishes it. */
ALWAYS_INLINE void runqueue_add(struct task *t, bool at_head) REQUIRES(t->home->lock)
{
	const struct sched_policy *p = t->policy;
	struct shard *s = t->home;
	unsigned u = p->urgency;

	if (likely(p->levels && !is_pinned(t))) {
		levels_add(s->queue[u], &t->entity, at_head);
	} else {
		p->enqueue(s->queue[u], &t->entity, at_head);
		rank_update(t);
		if (is_pinned(t))
			count_pinned(t, 1);
	}
	t->state = TASK_READY;
	s->classes |= 1u << u;
	count(&s->queued[u], 1);
	if (unlikely(s->shared))
		shard_publish_added(t);
}

ALWAYS_INLINE void runqueue_remove(struct task *t) REQUIRES(t->home->lock)
{
	const struct sched_policy *p = t->policy;
	struct shard *s = t->home;
	unsigned u = p->urgency;

	if (likely(p->levels && !is_pinned(t))) {
		levels_remove(s->queue[u], &t->entity);
	} else {
		p->dequeue(s->queue[u], &t->entity);
		if (is_pinned(t))
			count_pinned(t, -1);
	}
	count(&s->queued[u], -1);
	if (!counted(&s->queued[u]))
		s->classes &= ~(1u << u);
	if (unlikely(s->shared))
		shard_publish_removed(t);
}

/** The most urgent task in @p s of those that may run on @p cpu, or NULL. O(log n). */
ALWAYS_INLINE struct task *shard_first(const struct shard *s, unsigned cpu) REQUIRES(s->lock)
{
	u32 first = s->classes & -s->classes;

	if (likely(first & s->simple)) {
		const struct levels *l = s->queue[__builtin_ctz(first)];

		return CONTAINER_OF(levels_first(l), struct task, entity);
	}
	return first ? shard_search(s, cpu) : NULL;
}

/**
 * The most urgent task in @p s, taken out of its queue, where that is simple. @p behind, unless
 * NULL, is in no queue and goes behind its equals, of whom the task taken must be the first. NULL:
 * it is not that simple; nothing was done. For one shard.
 */
ALWAYS_INLINE struct task *shard_take(struct shard *s, struct task *behind) REQUIRES(s->lock)
{
	u32 first = s->classes & -s->classes;
	struct levels *l;
	struct task *t;
	unsigned u;

	if (unlikely(!(first & s->simple)))
		return NULL;
	u = (unsigned)__builtin_ctz(first);
	l = s->queue[u];
	t = CONTAINER_OF(levels_first(l), struct task, entity);
	if (behind) {
		if (t->rank != behind->rank)
			return NULL;
		levels_rotate(l, &t->entity, &behind->entity);
		return t;
	}
	if (levels_pop(l))
		s->classes ^= first;
	count(&s->queued[u], -1);
	return t;
}
