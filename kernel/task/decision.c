/*
 * What the trace says of a switch, and why a task was chosen. All of it reads, none of it changes
 * what is scheduled.
 */
#include "task/handover.h"

void runqueue_record(const struct task *t, u8 why, u32 seq)
{
	TRACE_OP(seq, SCHED_ENQUEUE, sched_enqueue, .tid = (i32)t->id, .class = (u8)t->params.class,
		 .prio = t->params.level, .why = why, .at_head = why == TRACE_enqueue_why_preempt,
		 .key = t->entity.key, .task_worker = t->worker ? t->worker->id : 0,
		 .on_worker = worker_here(), .order = t->entity.seq);
	if (is_pinned(t))
		TRACE_OP(seq, SCHED_AFFINITY, sched_affinity, .tid = (i32)t->id,
			 .cpus = t->entity.cpus);
}

struct trace_sched_switch leaver_after(const struct task *t, u8 why, u8 level)
{
	bool waits = why == TRACE_switch_why_blocked || why == TRACE_switch_why_throttled;
	u8 state = waits                            ? TRACE_task_state_waiting
		   : why == TRACE_switch_why_exited ? TRACE_task_state_dead
						    : TRACE_task_state_ready;

	return (struct trace_sched_switch){
		.prev_tid = (i32)t->id, .prev_state = state, .prev_prio = level, .why = why};
}

/* timer_running is this CPU's own: only its own interrupts change it. */
static u8 wake_source(const struct cpu *c) NO_THREAD_SAFETY_ANALYSIS
{
	if (!c->irq_depth)
		return TRACE_wake_source_task;
	return c->timer_running ? TRACE_wake_source_timer : TRACE_wake_source_irq;
}

void record_wake(const struct task *t, u8 result, u32 seq)
{
	const struct cpu *c = arch_cpu();

	TRACE_OP(seq, SCHED_WAKEUP, sched_wakeup, .tid = (i32)t->id, .prio = t->params.level,
		 .target_cpu = (u8)t->cpu, .source = wake_source(c), .result = result,
		 .waker_tid = c->current ? (i32)c->current->id : 0);
}

void task_record_poll_again(struct task *t)
{
	bool irqs = arch_irq_save();

	record_wake(t, TRACE_wake_result_noted, op_seq(true));
	arch_irq_restore(irqs);
}

struct trace_candidate decision_candidate(const struct task *t, u16 flags, u64 now_ns)
{
	/* It is queued since it was released or left its CPU, whichever came last. */
	u64 since_ns = flags & 1 ? now_ns : MAX(t->release_ns, t->since_ns);
	u64 waited_us = since_ns < now_ns ? (now_ns - since_ns) / NS_PER_US : 0;

	return (struct trace_candidate){
		.tid = (i32)t->id,
		.class = (u8)t->params.class,
		.prio = t->params.level,
		.flags = flags | (t->worker ? 2 : 0),
		.key = t->entity.key,
		.waited_us = (u32)MIN(waited_us, UINT32_MAX),
		.order = (u32)t->entity.seq,
	};
}

/* The most urgent of the tasks that wait in @p s and may run on @p cpu, in order. */
static unsigned gather(const struct shard *s, unsigned cpu, struct sched_entity **best,
		       unsigned max) REQUIRES(s->lock)
{
	unsigned n = 0;

	for (u32 classes = s->classes; classes && n < max; classes &= classes - 1) {
		unsigned u = (unsigned)__builtin_ctz(classes);
		const struct levels *l = s->queue[u];

		if (!(s->simple >> u & 1)) {
			n += policy_at[u]->list(l, cpu, best + n, max - n);
			continue;
		}
		for (u32 used = l->used; used && n < max; used &= used - 1) {
			const struct list *q = &l->queue[__builtin_ctz(used)];

			for (struct list *at = q->next; at != q && n < max; at = at->next)
				best[n++] = LIST_ENTRY(at, struct sched_entity, link);
		}
	}
	return n;
}

/* What set the chosen one apart from the most urgent of the others: of @p second, the next in the
 * queues, and @p prev; either may be NULL. */
static u8 rule_for(const struct task *chosen, const struct task *second,
		   const struct trace_candidate *prev)
{
	unsigned class = second ? second->params.class : SCHED_CLASSES;
	u64 key = second ? second->entity.key : 0;

	if (prev && (!second || sched_policy_of(prev->class)->urgency < second->policy->urgency ||
		     (prev->class == class && prev->key < key))) {
		class = prev->class;
		key = prev->key;
	}
	if (class == SCHED_CLASSES)
		return TRACE_rule_only_candidate;
	if (class != chosen->params.class)
		return TRACE_rule_higher_class;
	return key == chosen->entity.key ? TRACE_rule_first_come : chosen->policy->rule;
}

void record_switch(u32 seq, struct trace_sched_switch *s, const struct trace_candidate *prev,
		   const struct task *next, bool taken, u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	struct trace_candidate all[TRACE_CANDIDATES_MAX];
	struct sched_entity *best[TRACE_CANDIDATES_MAX];
	const struct cpu *c = arch_cpu();
	struct trace_sched_decision d = {
		.seq = seq,
		.rule = TRACE_rule_queue_empty,
		.chosen = 255,
		.waiting = (prev != NULL) + taken,
	};
	bool full = trace_level_now() == TRACE_FULL;

	for (unsigned i = 0; i < shard_count; i++)
		for (unsigned u = 0; u < SCHED_CLASSES; u++)
			d.waiting += counted(&shards[i].queued[u]);
	/* relaxed: its own */
	if (atomic_load_explicit(&c->left_out, memory_order_relaxed))
		d.rule = TRACE_rule_leaves;
	if (next) {
		unsigned most = full ? TRACE_CANDIDATES_MAX - (prev != NULL) : 2;
		unsigned found = taken + gather(next->home, c->id, best + taken, most - taken);

		best[0] = (struct sched_entity *)&next->entity;
		d.rule = rule_for(
			next, found > 1 ? CONTAINER_OF(best[1], struct task, entity) : NULL, prev);
		d.class = (u8)next->params.class;
		d.chosen = 0;
		for (unsigned i = 0; full && i < found; i++)
			all[d.candidates_len++] = decision_candidate(
				CONTAINER_OF(best[i], struct task, entity), 0, now_ns);
		if (full && prev)
			all[d.candidates_len++] = *prev;
		s->next_tid = (i32)next->id;
		s->next_prio = next->params.level;
	}
	trace_record(TRACE_EV_SCHED_DECISION, &d, sizeof d, all, d.candidates_len * sizeof all[0]);
	s->seq = seq;
	trace_record(TRACE_EV_SCHED_SWITCH, s, sizeof *s, NULL, 0);
}

void record_yield(const struct cpu *c, const struct task *prev, const struct task *next, u64 now_ns)
{
	struct trace_sched_switch leaver =
		leaver_after(prev, TRACE_switch_why_yielded, prev->params.level);
	struct wanted w = wanted(prev);

	runqueue_record(prev, TRACE_enqueue_why_yield, op_seq(true));
	TRACE_OP(op_seq(true), SCHED_LOOK, sched_look, .hinted = c->hints_seen);
	record_switch(op_seq(true), &leaver, NULL, next, true, now_ns);
	hint_none(&w);
}
