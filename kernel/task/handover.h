/*
 * handover.h: how a CPU goes from one task to another, by whichever way: what it leaves, what it
 * takes, and the change of stacks in between. For executor.c, after a poll, and for preempt.c, in
 * the middle of one. Context: interrupts masked.
 */
#pragma once

#include "core/start.h"
#include "core/time.h"
#include "task/fault.h"
#include "task/inherit.h"
#include "task/look.h"
#include "task/server.h"

/* Sets the timer if the end of the quantum is not the one that it was set for. */
ALWAYS_INLINE void quantum_program(const struct cpu *c)
{
	if (c->quantum_end_ns != c->timer_quantum_ns)
		timer_program();
}

/** A job of @p t begins: its deadline is fixed here, and here only. */
ALWAYS_INLINE void task_release(struct task *t, u64 now_ns) REQUIRES(t->home->lock)
{
	u64 own_ns, from_ns = now_ns;

	t->job++;
	t->release_ns = now_ns;
	/* Where levels decide, what a release comes to changes with the parameters only. */
	if (likely(t->policy->levels && t->rank && !t->own && !t->next_deadline_ns)) {
		t->deadline_ns = TIME_NEVER;
		return;
	}
	own_ns = own_params(t)->deadline_ns;
	t->deadline_ns = own_ns ? now_ns + own_ns : TIME_NEVER;
	if (unlikely(t->next_deadline_ns)) {
		t->deadline_ns = t->next_deadline_ns;
		if (own_ns && !t->params.budget_ns)
			from_ns = t->deadline_ns - own_ns; /* to which it belongs, modulo 2^64 */
		t->next_deadline_ns = 0;
	}
	if (unlikely(t->own))
		from_ns = t->params.deadline_ns ? t->own->from_ns : now_ns;
	t->policy->release(queue_of(t), &t->entity, &t->params, from_ns);
	rank_update(t);
}

/** Tells the policy of @p t what it ran since @p since_ns or the last change of its parameters,
 *  whichever came last, and records that. */
void charge_policy(struct task *t, u64 since_ns, u64 now_ns, bool quantum_over)
	REQUIRES(t->home->lock);

/* Counts what @p t ran since it began, or since the last call. */
ALWAYS_INLINE void account(struct task *t, u64 now_ns) REQUIRES(t->home->lock)
{
	t->cpu_ns += now_ns - t->since_ns;
	t->since_ns = now_ns;
}

/* The same, and tells its policy. */
ALWAYS_INLINE void charge(struct task *t, u64 now_ns, bool quantum_over) REQUIRES(t->home->lock)
{
	if (unlikely(t->entity.quantum_ns && t->policy->charge))
		charge_policy(t, t->since_ns, now_ns, quantum_over);
	account(t, now_ns);
}

/** queue_suspended in general, from where the lock is held. */
void queue_suspended_any(const struct cpu *c, struct task *t) RELEASE(t->home->lock);

/* Queues @p t, which was suspended on @p c, now that its stack is left. Nobody needs to be told of
 * the simple case: a preempted task in a level's list. */
ALWAYS_INLINE void queue_suspended(const struct cpu *c, struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	home_lock(t);
	t->worker = c->left;
	t->preemptions++;
	t->quantum_left_ns = c->quantum_left_ns;
	if (likely(alone && !traced() && c->frozen_why == TRACE_enqueue_why_preempt &&
		   t->policy->levels && !is_pinned(t))) {
		runqueue_add(t, true);
		account(t, c->left_ns);
		home_unlock(t);
	} else {
		queue_suspended_any(c, t);
	}
}

/* First thing on every stack that was switched to. Returns this CPU. */
ALWAYS_INLINE struct cpu *arrive(void)
{
	struct cpu *c = arch_cpu();

	if (c->frozen)
		queue_suspended(c, c->frozen);
	else if (worker_give(c, c->left))
		hint_rest();
	quantum_program(c);
	return c;
}

/* Leaves this stack for @p to. @p on: traced. The poll of @p frozen stays here; NULL: nothing does, and the stack
 * is free once it is left. */
ALWAYS_INLINE void change_stack(struct cpu *c, struct worker *to, struct task *frozen, bool on)
{
	struct worker *from = c->worker;

	TRACE_OP(op_seq(on), WORKER_SWITCH, worker_switch, .from_worker = from->id,
		 .to_worker = to->id, .frozen_tid = frozen ? (i32)frozen->id : 0);
	c->left = from; /* first: a debugger asks where the frozen poll is */
	c->frozen = frozen;
	c->worker = to;
	arch_switch(&from->sp, to->sp);
}

/** Records a decision and the switch that follows, @p s: of who leaves, here all else is filled in.
 *  @p prev: the leaver, if it competes; @p next: NULL to idle; @p taken: it has left its queue already. */
__attribute__((noinline)) void
record_switch(u32 seq, struct trace_sched_switch *s, const struct trace_candidate *prev,
		   const struct task *next, bool taken, u64 now_ns);

/** Records all that dispatch does when @p prev is queued behind its equals and @p next, the first of
 *  them, taken out, in a section under their home's lock; behind that, and before next runs. */
void record_yield(const struct cpu *c, const struct task *prev, const struct task *next, u64 now_ns)
	REQUIRES(prev->home->lock);

/** What the record of a switch says of @p t, which leaves its CPU, before it may run elsewhere, and be
 *  gone; @p why: TRACE_switch_why_*. */
struct trace_sched_switch leaver_after(const struct task *t, u8 why, u8 level);

/* relaxed, both: the home's lock orders them but for task_poll_again, which is on this CPU */
static inline bool noted(const struct task *t)
{
	return atomic_load_explicit(&t->noted, memory_order_relaxed);
}

static inline void note_clear(struct task *t)
{
	atomic_store_explicit(&t->noted, false, memory_order_relaxed);
}

/* Makes @p next, which is in no queue, what @p c runs; all but the stack. Returns the worker that
 * holds its suspended poll, or NULL. */
ALWAYS_INLINE struct worker *place(struct cpu *c, struct task *next, u64 now_ns)
	REQUIRES(next->home->lock)
{
	u64 quantum_ns = next->entity.quantum_ns, end_ns = TIME_NEVER;
	struct worker *holds = next->worker;

	next->state = TASK_RUNNING;
	next->cpu = c->id;
	next->since_ns = now_ns;
	if (likely(!holds)) {
		note_clear(next);
		next->polls++; /* the one that begins now */
	}
	arch_current_set(c->current = next);
	c->switches++;
	if (unlikely(quantum_ns)) {
		if (holds && next->quantum_left_ns)
			quantum_ns = MIN(quantum_ns, next->quantum_left_ns);
		end_ns = now_ns + quantum_ns;
	}
	c->quantum_end_ns = end_ns;
	return holds;
}

/* The same without a task. */
static inline void place_none(struct cpu *c)
{
	arch_current_set(c->current = NULL);
	c->quantum_end_ns = TIME_NEVER;
	c->switches++;
}

static inline bool is_leaving(const struct cpu *c)
{
	/* relaxed: who changes it hints the CPU behind it */
	return atomic_load_explicit(&c->leaving, memory_order_relaxed);
}

/** @p c, this CPU, is leaving and has no task: it runs none from now on. */
void leave_out(struct cpu *c);

ALWAYS_INLINE bool is_killed(const struct task *t)
{
	/* relaxed: who kills a running task hints its CPU behind it; shields are its own */
	return unlikely(atomic_load_explicit(&t->killed, memory_order_relaxed)) &&
	       !__atomic_load_n(&t->shields, __ATOMIC_RELAXED);
}

/* @p cur stays behind. Returns when it is resumed, perhaps on another CPU. */
ALWAYS_INLINE void suspend(struct cpu *c, struct worker *to, struct task *cur, bool on)
{
	change_stack(c, to, cur, on);
	arrive();
	if (is_killed(cur))
		fault_killed();
}

/* Notes what queue_suspended is to know of the task that @p c leaves. */
ALWAYS_INLINE void leave(struct cpu *c, u64 now_ns)
{
	c->left_ns = now_ns;
	c->quantum_left_ns = c->quantum_end_ns - MIN(c->quantum_end_ns, now_ns);
}

/* Makes @p next, whose home is locked, what @p c runs in place of its task; all but the stack. */
ALWAYS_INLINE void replace(struct cpu *c, struct task *next, u64 now_ns)
	REQUIRES(next->home->lock)
{
	leave(c, now_ns);
	place(c, next, now_ns);
	next->worker = NULL;
}

/*
 * The way that most preempting wakes take on one CPU: @p t, just released and in no queue, runs on
 * @p c, this one, at once, as it would by way of its queue, a hint and a look. Then it gives back
 * the lock, and returns true when the calling task goes on. False: it is not that simple; nothing
 * was done. Context: interrupts were enabled, so no handler runs here.
 */
ALWAYS_INLINE bool hand_over(struct cpu *c, struct task *t, u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	struct task *cur = c->current, *first;
	struct worker *to;

	if (!alone || traced() || cpu_hinted(c) || !cur || c->preempt_off ||
	    t->rank >= cur->rank || !t->policy->passes)
		return false;
	first = shard_first(t->home, c->id);
	if ((first && first->rank <= t->rank) || now_ns >= c->quantum_end_ns)
		return false;
	to = worker_take(c);
	if (!to)
		return false;
	/* relaxed: as in promise_set, where there is one shard, and neither task is idleness */
	atomic_store_explicit(&c->promised, t->rank, memory_order_relaxed);
	c->frozen_why = TRACE_enqueue_why_preempt;
	leave(c, now_ns);
	place(c, t, now_ns);
	home_unlock(t);
	suspend(c, to, cur, false);
	return true;
}
