/*
 * Preemption: a more urgent task, or the end of a quantum or of a budget, in the middle of a poll.
 * The poll stays where it is, suspended on its worker's stack, and another worker takes the CPU.
 */
#include "task/fault.h"
#include "task/handover.h"

/* The running task goes on; its quantum begins anew if it is over. */
static void stay(const struct look *l, const struct task *cur, bool quantum_over, u64 now_ns)
{
	u64 quantum_ns = cur->entity.quantum_ns;

	if (quantum_over)
		l->cpu->quantum_end_ns = quantum_ns ? now_ns + quantum_ns : TIME_NEVER;
	look_end(l, false, traced());
	quantum_program(l->cpu);
}

/* The running task's quantum is over: that may change its rank. True: it must not go on. */
static bool charge_quantum(struct task *cur, u64 now_ns)
{
	bool throttled;

	home_lock(cur);
	charge(cur, now_ns, true);
	throttled = server_throttles(cur);
	home_unlock(cur);
	return throttled;
}

/* @p next was found, and its home is locked: whether @p cur goes on all the same, because its
 * policy says so, or because there is no stack. Else *@p to is the stack to go to. */
static bool refuse(const struct look *l, const struct task *cur, const struct task *next,
		   struct worker **to) REQUIRES(next->home->lock)
{
	const struct sched_policy *p = cur->policy;

	if (next->rank == l->otherwise && p->keeps && p == next->policy &&
	    p->keeps(queue_of(next), &cur->entity, &next->entity, l->cpu->id))
		return true;
	*to = next->worker ? next->worker : worker_take(l->cpu);
	if (*to)
		return false;
	TRACE_OP(op_seq(traced()), WORKER_NONE, worker_exhausted, .tid = (i32)next->id);
	return true;
}

/* Makes @p next, whose home is locked, what @p c runs in place of its task; all but the stack. */
ALWAYS_INLINE void replace(struct cpu *c, struct task *next, u64 now_ns)
	REQUIRES(next->home->lock)
{
	c->left_ns = now_ns;
	c->quantum_left_ns = c->quantum_end_ns == TIME_NEVER ? 0 : c->quantum_end_ns - now_ns;
	place(c, next, now_ns);
	next->worker = NULL;
}

static void preempt(const struct look *l, struct task *cur, struct task *next, struct worker *to,
		    u64 now_ns, bool quantum_over) RELEASE(next->home->lock)
{
	const bool on = traced();
	struct cpu *c = l->cpu;

	c->frozen_why = quantum_over ? TRACE_enqueue_why_quantum : TRACE_enqueue_why_preempt;
	if (on) {
		struct leaver leaver = leaver_after(cur, quantum_over ? TRACE_switch_why_quantum
								      : TRACE_switch_why_preempted);

		record_switch(op_seq(on), &leaver, cur, next, now_ns);
	}
	runqueue_remove(next);
	replace(c, next, now_ns);
	home_unlock(next);
	look_end(l, true, on);
	change_stack(c, to, cur);
	arrive(); /* resumed, perhaps on another CPU */
	if (is_killed(cur))
		fault_killed();
}

/* The task of @p c may not go on: it leaves the CPU whether there is another one or not. Without
 * a stack for that it goes on for a little while. */
static void throttle(struct cpu *c, struct task *cur, u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	const bool on = traced();
	struct look look = {.below = RANK_IDLE, .otherwise = RANK_IDLE};
	struct leaver leaver = leaver_after(cur, TRACE_switch_why_throttled);
	struct worker *to;
	struct task *next;

	look_begin(&look, c, on);
	next = look_take(&look, NULL);
	to = next && next->worker ? next->worker : worker_take(c);
	if (!to)
		(void)promise_set(c, cur->rank);
	else if (on)
		record_switch(op_seq(on), &leaver, NULL, next, now_ns);
	c->left_ns = now_ns;
	c->frozen_why = TRACE_enqueue_why_quantum;
	if (to && next) {
		runqueue_remove(next);
		replace(c, next, now_ns);
	} else if (to) {
		c->current = NULL;
		c->quantum_end_ns = TIME_NEVER;
		c->switches++;
	} else {
		c->quantum_end_ns = now_ns + SCHED_QUANTUM_MIN_NS;
	}
	if (next)
		home_unlock(next);
	look_end(&look, to, on);
	if (to) {
		change_stack(c, to, cur);
		arrive();
		if (is_killed(cur))
			fault_killed();
	} else {
		quantum_program(c);
	}
}

void executor_preempt(void) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	struct task *cur = c->current, *next;
	u64 now_ns = clock_ns();
	bool quantum_over = now_ns >= c->quantum_end_ns;
	struct look look;
	struct worker *to;

	if (is_killed(cur))
		fault_killed();
	if (quantum_over && charge_quantum(cur, now_ns)) {
		throttle(c, cur, now_ns);
		return;
	}
	look.otherwise = cur->rank;
	look.below = look.otherwise + quantum_over;
	look_begin(&look, c, traced());
	next = look_take(&look, NULL);
	if (!next) {
		stay(&look, cur, quantum_over, now_ns);
	} else if (refuse(&look, cur, next, &to)) {
		(void)promise_set(c, look.otherwise);
		home_unlock(next);
		stay(&look, cur, quantum_over, now_ns);
	} else {
		preempt(&look, cur, next, to, now_ns, quantum_over);
	}
}

/* True when @p t, which was just released and is in no queue, is what this CPU would run next. */
ALWAYS_INLINE bool comes_next(const struct cpu *c, const struct task *t) REQUIRES(t->home->lock)
{
	const struct task *first;

	if (!alone || traced() || cpu_hinted(c))
		return false;
	if (!c->current || c->irq_depth || c->preempt_off || t->rank >= c->current->rank)
		return false;
	if (!t->policy->passes)
		return false;
	first = shard_first(t->home, c->id);
	return !first || t->rank < first->rank;
}

/*
 * The way that most preempting wakes take on one CPU: @p t, just released, runs here at once, as
 * it would by way of its queue, a hint and a look. False: it is not that simple; nothing was done.
 */
bool executor_hand_over(struct cpu *c, struct task *t, u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	struct worker *to;
	struct task *cur;

	if (!comes_next(c, t) || now_ns >= c->quantum_end_ns)
		return false;
	to = worker_take(c);
	if (!to)
		return false;
	(void)promise_set(c, t->rank);
	c->frozen_why = TRACE_enqueue_why_preempt;
	cur = c->current;
	replace(c, t, now_ns);
	home_unlock(t);
	change_stack(c, to, cur);
	arrive();
	if (is_killed(cur))
		fault_killed();
	return true;
}
