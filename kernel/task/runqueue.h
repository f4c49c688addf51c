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
static inline void count(_Atomic u32 *n, int by)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + (u32)by,
			      memory_order_relaxed);
}

static inline u32 counted(const _Atomic u32 *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static inline void *queue_of(const struct task *t) REQUIRES(t->home->lock)
{
	return t->home->queue[t->policy->urgency];
}

/** Queues @p t, which is in no queue, as ready, and publishes it. @p why: TRACE_enqueue_why_*. */
static inline void runqueue_add(struct task *t, u8 why, u64 now_ns) REQUIRES(t->home->lock)
{
	const struct sched_policy *p = t->policy;
	struct shard *s = t->home;
	bool at_head = why == TRACE_enqueue_why_preempt;
	unsigned u = p->urgency;

	t->state = TASK_READY;
	t->enqueue_why = why;
	t->queued_ns = now_ns;
	if (likely(p->levels && !is_pinned(t)))
		levels_add(s->queue[u], &t->entity, at_head);
	else
		p->enqueue(s->queue[u], &t->entity, at_head);
	s->classes |= 1u << u;
	count(&s->queued[u], 1);
	if (unlikely(is_pinned(t)))
		count(&s->pinned, 1);
	if (shard_count > 1)
		shard_publish_added(t);
}

static inline void runqueue_remove(struct task *t) REQUIRES(t->home->lock)
{
	const struct sched_policy *p = t->policy;
	struct shard *s = t->home;
	unsigned u = p->urgency;

	if (likely(p->levels && !is_pinned(t)))
		levels_remove(s->queue[u], &t->entity);
	else
		p->dequeue(s->queue[u], &t->entity);
	count(&s->queued[u], -1);
	if (!counted(&s->queued[u]))
		s->classes &= ~(1u << u);
	if (unlikely(is_pinned(t)))
		count(&s->pinned, -1);
	if (shard_count > 1)
		shard_publish_removed(t);
}

/** The most urgent task in @p s of those that may run on @p cpu, or NULL. O(log n). */
static inline struct task *shard_first(const struct shard *s, unsigned cpu) REQUIRES(s->lock)
{
	unsigned u;

	if (!s->classes)
		return NULL;
	u = (unsigned)__builtin_ctz(s->classes);
	if (likely(policy_at[u]->levels && !counted(&s->pinned)))
		return CONTAINER_OF(levels_first(s->queue[u]), struct task, entity);
	return shard_search(s, cpu);
}
