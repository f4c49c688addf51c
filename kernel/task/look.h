/*
 * look.h: a look, that is, how a CPU finds what to run (look.c), in its short form.
 */
#pragma once

#include "task/runqueue.h"

struct look {
	struct cpu *cpu;
	u64 below;     /* only a task of a smaller rank will do */
	u64 otherwise; /* the CPU's rank if there is none */
	bool spent;    /* this look spends a hint */
};

/** Begins a look: spends the hints given to this CPU up to now. @p on: traced. Context: interrupts masked. */
ALWAYS_INLINE void look_begin(struct look *l, struct cpu *c, bool on)
{
	/* acquire: pairs with the release in give (hint.c); who hinted had published its task */
	u32 hints = atomic_load_explicit(&c->hints, memory_order_acquire);

	l->cpu = c;
	l->spent = hints != c->hints_seen;
	if (unlikely(l->spent))
		c->hints_seen = hints;
	if (on)
		TRACE_OP(op_seq(on), SCHED_LOOK, sched_look, .hinted = hints);
}

/** look_take with more than one shard. */
struct task *look_take_any(const struct look *l);

/**
 * The most urgent waiting task that will do, with its home locked and the CPU's promise set to its
 * rank; or NULL, nothing locked, and the promise is what @p l says. @p held: the only shard, when
 * the caller holds its lock; then it is the same section. Context: interrupts masked.
 */
ALWAYS_INLINE struct task *look_take(const struct look *l, struct shard *held)
	NO_THREAD_SAFETY_ANALYSIS
{
	struct shard *s = &shards[0];
	struct task *t;

	if (shard_count > 1)
		return look_take_any(l);
	/* Who queues a task has the lock later, and sees the promise: nothing is read again. */
	if (!held)
		spin_lock_raw(&s->lock);
	t = shard_first(s, l->cpu->id);
	if (t && t->rank < l->below) {
		(void)promise_set(l->cpu, t->rank);
		return t;
	}
	(void)promise_set(l->cpu, l->otherwise);
	spin_unlock_raw(&s->lock);
	return NULL;
}

/** Ends a look that found nothing (@p chose false), or one that spent a hint: hints for others. */
ALWAYS_INLINE void look_end(const struct look *l, bool chose, bool on)
{
	if (unlikely(l->spent) && !alone)
		hint_rest();
	if (on && (l->spent || !chose))
		TRACE_OP(op_seq(on), SCHED_SETTLED, sched_settled, .rsv = 0);
}
