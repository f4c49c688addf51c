/*
 * Preemption: a more urgent task, or the end of a quantum or of a budget, in the middle of a poll.
 * The poll stays where it is, suspended on its worker's stack, and another worker takes the CPU.
 */
#include "task/handover.h"

/* From @p since_ns on. */
static void begin_quantum(struct cpu *c, struct task *cur, u64 since_ns)
{
	u64 quantum_ns;

	home_lock(cur);
	quantum_ns = cur->entity.quantum_ns;
	home_unlock(cur);
	c->quantum_end_ns = quantum_ns ? since_ns + quantum_ns : TIME_NEVER;
}

/* If the parameters of the running task were changed, a quantum began then. */
static void note_change(struct cpu *c, struct task *cur)
{
	/* relaxed: who changes it hints this CPU behind it */
	u64 changed_ns = __atomic_load_n(&cur->changed_ns, __ATOMIC_RELAXED);

	if (unlikely(changed_ns >= cur->since_ns))
		begin_quantum(c, cur, changed_ns);
}

/* The running task goes on; its quantum begins anew if it is over. */
static void stay(const struct look *l, struct task *cur, bool quantum_over, u64 now_ns)
{
	if (quantum_over)
		begin_quantum(l->cpu, cur, now_ns);
	else
		note_change(l->cpu, cur);
	look_end(l, false, traced());
	quantum_program(l->cpu);
}

/* @p next was found, and its home is locked: whether @p cur goes on all the same, because its
 * policy says so, or because there is no stack. Else *@p to is the stack to go to. */
static bool refuse(const struct look *l, const struct task *cur, const struct task *next,
		   struct worker **to) REQUIRES(next->home->lock)
{
	/* relaxed: what keeps somebody is single, so its tasks change under the lock that is held
	 */
	const struct sched_policy *p = __atomic_load_n(&cur->policy, __ATOMIC_RELAXED);

	if (next->rank == l->otherwise && p->keeps && p == next->policy &&
	    p->keeps(queue_of(next), &cur->entity, &next->entity, l->cpu->id))
		return true;
	*to = next->worker ? next->worker : worker_take(l->cpu);
	if (*to)
		return false;
	TRACE_OP(op_seq(traced()), WORKER_NONE, worker_exhausted, .tid = (i32)next->id);
	return true;
}

/* @p self: what a trace says of @p cur. */
static void preempt(const struct look *l, struct task *cur, const struct trace_candidate *self,
		    struct task *next, struct worker *to, u64 now_ns, bool quantum_over)
	RELEASE(next->home->lock)
{
	const bool on = traced() && self->tid;
	struct cpu *c = l->cpu;

	c->frozen_why = quantum_over ? TRACE_enqueue_why_quantum : TRACE_enqueue_why_preempt;
	if (on) {
		u8 why = quantum_over ? TRACE_switch_why_quantum : TRACE_switch_why_preempted;
		struct trace_sched_switch leaver = leaver_after(cur, why, (u8)self->prio);

		record_switch(op_seq(on), &leaver, self, next, false, now_ns);
	}
	runqueue_remove(next);
	replace(c, next, now_ns);
	home_unlock(next);
	look_end(l, true, on);
	suspend(c, to, cur, on);
}

/* Without a stack to go to, @p cur goes on for a little while, and this CPU looks again then. */
static void go_on_for_now(struct cpu *c, const struct task *cur, u64 now_ns)
{
	TRACE_OP(op_seq(traced()), WORKER_NONE, worker_exhausted, .tid = (i32)cur->id);
	(void)hint_runner((struct wanted){.tid = cur->id, .cpu = c->id});
	c->quantum_end_ns = now_ns + SCHED_QUANTUM_MIN_NS;
	quantum_program(c);
}

/* @p cur may not go on here, for the reason @p why: its server is throttled; or this CPU is
 * leaving, or is none of the task's any more. It leaves whether there is another task or not. */
static void give_up(struct look *l, struct task *cur, u8 why, u8 level, bool quantum_over,
		    u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	const bool on = traced();
	struct cpu *c = l->cpu;
	struct trace_sched_switch leaver = leaver_after(cur, why, level);
	struct task *next = look_take(l, NULL);
	struct worker *to = next && next->worker ? next->worker : worker_take(c);

	if (to && !l->otherwise)
		leave_out(c);
	if (!to)
		(void)promise_set(c, cur->rank);
	else if (on)
		record_switch(op_seq(on), &leaver, NULL, next, false, now_ns);
	c->frozen_why = quantum_over ? TRACE_enqueue_why_quantum : TRACE_enqueue_why_preempt;
	if (to && next) {
		runqueue_remove(next);
		replace(c, next, now_ns);
	} else if (to) {
		leave(c, now_ns);
		place_none(c);
	}
	if (next)
		home_unlock(next);
	if (!to)
		go_on_for_now(c, cur, now_ns);
	look_end(l, to, on);
	if (!to)
		return;
	suspend(c, to, cur, on);
}

/* relaxed: as in note_change */
static bool may_be_here(const struct cpu *c, const struct task *cur)
{
	return __atomic_load_n(&cur->entity.cpus, __ATOMIC_RELAXED) >> c->id & 1;
}

void executor_preempt(void) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	struct task *cur = c->current, *next;
	u64 now_ns = clock_ns();
	bool quantum_over, throttled = false, leaving;
	struct trace_candidate self = {.tid = 0};
	struct look look;
	struct worker *to;

	if (is_killed(cur))
		fault_killed();
	note_change(c, cur);
	quantum_over = now_ns >= c->quantum_end_ns;
	if (quantum_over) { /* that may change its rank, or throttle it */
		home_lock(cur);
		charge(cur, now_ns, true);
		home_unlock(cur);
	}
	look_begin(&look, c, traced());
	leaving = is_leaving(c);
	/* relaxed: without one nobody is throttled, and who gives it one hints this CPU behind it */
	if (unlikely(traced() || __atomic_load_n(&cur->server, __ATOMIC_RELAXED))) {
		home_lock(cur);
		throttled = server_throttles(cur);
		self = decision_candidate(cur, 1, now_ns);
		home_unlock(cur);
	}
	if (unlikely(throttled || leaving || !may_be_here(c, cur))) {
		look.below = look.otherwise = leaving ? 0 : RANK_IDLE; /* nothing is as urgent as 0 */
		give_up(&look, cur, throttled ? TRACE_switch_why_throttled : TRACE_switch_why_unfit,
			(u8)self.prio, quantum_over, now_ns);
		return;
	}
	/* relaxed: as in note_change */
	look.otherwise = __atomic_load_n(&cur->rank, __ATOMIC_RELAXED);
	look.below = look.otherwise + quantum_over;
	next = look_take(&look, NULL);
	if (!next) {
		stay(&look, cur, quantum_over, now_ns);
	} else if (refuse(&look, cur, next, &to)) {
		(void)promise_set(c, look.otherwise);
		home_unlock(next);
		stay(&look, cur, quantum_over, now_ns);
	} else {
		preempt(&look, cur, &self, next, to, now_ns, quantum_over);
	}
}
