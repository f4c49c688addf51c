/*
 * handover.h: how a CPU goes from one task to another, by whichever way: what it leaves, what it
 * takes, and the change of stacks in between. For executor.c, after a poll, and for preempt.c, in
 * the middle of one. Context: interrupts masked.
 */
#pragma once

#include "core/start.h"
#include "core/time.h"
#include "task/look.h"
#include "task/server.h"

ALWAYS_INLINE void reap(struct cpu *c)
{
	struct task *dead = c->dead;

	if (unlikely(dead)) {
		c->dead = NULL;
		task_put(dead);
	}
}

/* Sets the timer if the end of the quantum is not the one that it was set for. */
ALWAYS_INLINE void quantum_program(const struct cpu *c)
{
	if (c->quantum_end_ns != c->timer_quantum_ns)
		timer_program();
}

/** Tells the policy of @p t what it ran since @p since_ns or the last change of its parameters,
 *  whichever came last, and records that. */
void charge_policy(struct task *t, u64 since_ns, u64 now_ns, bool quantum_over)
	REQUIRES(t->home->lock);

/* Counts what @p t ran since it began, or since the last call, and tells its policy. */
ALWAYS_INLINE void charge(struct task *t, u64 now_ns, bool quantum_over) REQUIRES(t->home->lock)
{
	u64 since_ns = t->since_ns;

	t->cpu_ns += now_ns - since_ns;
	t->since_ns = now_ns;
	if (t->policy->charge && t->entity.quantum_ns)
		charge_policy(t, since_ns, now_ns, quantum_over);
}

/** Queues @p t, which was suspended on @p c, now that its stack is left. */
void queue_suspended(const struct cpu *c, struct task *t);

/* The same for the simple case, which nobody needs to be told of: a preempted task in a level's list,
 * without a quantum to charge. False: it is not that simple; nothing was done. */
ALWAYS_INLINE bool queue_preempted(const struct cpu *c, struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	if (!alone || traced() || c->frozen_why != TRACE_enqueue_why_preempt ||
	    !t->policy->levels || is_pinned(t) || t->entity.quantum_ns)
		return false;
	home_lock(t);
	charge(t, c->left_ns, false);
	t->quantum_left_ns = 0;
	t->worker = c->left;
	t->preemptions++;
	runqueue_add(t, true);
	home_unlock(t);
	return true;
}

/* First thing on every stack that was switched to. */
ALWAYS_INLINE void arrive(void)
{
	struct cpu *c = arch_cpu();
	struct task *frozen = c->frozen;

	c->frozen = NULL;
	if (frozen) {
		if (unlikely(!queue_preempted(c, frozen)))
			queue_suspended(c, frozen);
	} else if (c->left && worker_give(c, c->left)) {
		hint_rest();
	}
	reap(c);
	quantum_program(c);
}

/* Leaves this stack for @p to. The poll of @p frozen stays here; NULL: nothing does, and the stack
 * is free once it is left. */
ALWAYS_INLINE void change_stack(struct cpu *c, struct worker *to, struct task *frozen)
{
	struct worker *from = c->worker;
	void *boot_sp;

	TRACE_OP(op_seq(traced()), WORKER_SWITCH, worker_switch, .from_worker = from ? from->id : 0,
		 .to_worker = to->id, .frozen_tid = frozen ? (i32)frozen->id : 0);
	c->frozen = frozen;
	c->left = from;
	c->worker = to;
	arch_switch(from ? &from->sp : &boot_sp, to->sp);
}

/* The task that leaves a CPU; a copy, because it may run elsewhere already, and be gone. */
struct leaver {
	u32 tid; /* 0 from idle */
	u8 level;
	u8 state; /* TRACE_task_state_* */
	u8 why;	  /* TRACE_switch_why_* */
};

/** Records a decision and the switch that follows. @p suspended: the leaver, if it competes;
 *  @p next: NULL to idle. */
void record_switch(u32 seq, const struct leaver *prev, const struct task *suspended,
		   const struct task *next, u64 now_ns);

/** What the record of a switch says of @p t, which leaves its CPU; @p why: TRACE_switch_why_*. */
struct leaver leaver_after(const struct task *t, u8 why);

/* relaxed, both: the home's lock orders them but for task_poll_again, which is on this CPU */
static inline bool noted(const struct task *t)
{
	return atomic_load_explicit(&t->noted, memory_order_relaxed);
}

static inline void note_clear(struct task *t)
{
	atomic_store_explicit(&t->noted, false, memory_order_relaxed);
}

/* Makes @p next, which is in no queue, what @p c runs; all but the stack. */
ALWAYS_INLINE void place(struct cpu *c, struct task *next, u64 now_ns)
	REQUIRES(next->home->lock)
{
	u64 quantum_ns = next->entity.quantum_ns;

	if (unlikely(next->quantum_left_ns))
		quantum_ns = MIN(quantum_ns, next->quantum_left_ns);
	next->state = TASK_RUNNING;
	next->cpu = c->id;
	next->since_ns = now_ns;
	if (likely(!next->worker))
		note_clear(next);
	c->quantum_end_ns = quantum_ns ? now_ns + quantum_ns : TIME_NEVER;
	c->current = next;
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
	/* relaxed: who kills a running task hints its CPU behind it */
	return unlikely(atomic_load_explicit(&t->killed, memory_order_relaxed));
}
