/* The run queues of all classes, and the record of why a task was chosen. */
#include "core/time.h"
#include "task/executor.h"

u64 rank_of(const struct task *t)
{
	u64 key = MIN(t->entity.key, RANK_KEY_MAX);

	return (u64)t->params.class << 60 | key;
}

static struct task *task_of(struct sched_entity *e)
{
	return CONTAINER_OF(e, struct task, entity);
}

void runqueue_add(struct task *t, u8 why, u64 now_ns)
{
	bool at_head = why == TRACE_enqueue_why_preempt;

	t->state = TASK_READY;
	t->enqueue_why = why;
	t->queued_ns = now_ns;
	t->policy->enqueue(t->policy->queue, &t->entity, at_head);
	scheduler.classes |= 1u << t->params.class;
	scheduler.waiting++;
	scheduler.queued[t->params.class]++;
	scheduler.pinned += t->entity.cpus != SCHED_CPUS_ALL;
	TRACE(SCHED_ENQUEUE, sched_enqueue, .tid = (i32)t->id, .class = (u8)t->params.class,
	      .prio = t->params.level, .why = why, .at_head = at_head, .key = t->entity.key,
	      .seq = scheduler.seq, .task_worker = t->worker ? t->worker->id : 0,
	      .on_worker = worker_here(), .order = t->entity.seq);
	if (t->entity.cpus != SCHED_CPUS_ALL)
		TRACE(SCHED_AFFINITY, sched_affinity, .tid = (i32)t->id, .seq = scheduler.seq,
		      .cpus = t->entity.cpus);
}

void runqueue_remove(struct task *t)
{
	t->policy->dequeue(t->policy->queue, &t->entity);
	if (!--scheduler.queued[t->params.class])
		scheduler.classes &= ~(1u << t->params.class);
	scheduler.waiting--;
	scheduler.pinned -= t->entity.cpus != SCHED_CPUS_ALL;
}

struct task *runqueue_first(unsigned cpu)
{
	for (u32 classes = scheduler.classes; classes; classes &= classes - 1) {
		const struct sched_policy *p = sched_policy_of((unsigned)__builtin_ctz(classes));
		struct sched_entity *e = p->peek(p->queue, cpu);

		if (e)
			return task_of(e);
	}
	return NULL;
}

static struct trace_candidate candidate(const struct task *t, u16 flags, u64 now_ns)
{
	u64 waited_us = flags & 1 ? 0 : (now_ns - t->queued_ns) / NS_PER_US;

	return (struct trace_candidate){
		.tid = (i32)t->id,
		.class = (u8)t->params.class,
		.prio = t->params.level,
		.flags = flags | (t->worker ? 2 : 0),
		.key = t->entity.key,
		.waited_us = (u32)MIN(waited_us, UINT32_MAX),
		.order = t->entity.order,
	};
}

/* The most urgent of the waiting tasks that this CPU may run. */
static unsigned gather(struct trace_candidate *out, unsigned max, u64 now_ns)
	REQUIRES(scheduler.lock)
{
	unsigned n = 0;

	for (u32 classes = scheduler.classes; classes && n < max; classes &= classes - 1) {
		const struct sched_policy *p = sched_policy_of((unsigned)__builtin_ctz(classes));
		struct sched_entity *best[TRACE_CANDIDATES_MAX];
		unsigned found = p->list(p->queue, cpu_id(), best, max - n);

		for (unsigned i = 0; i < found; i++)
			out[n++] = candidate(task_of(best[i]), 0, now_ns);
	}
	return n;
}

/* What set the chosen one apart from the most urgent of the others. */
static u8 rule_for(const struct trace_candidate *all, unsigned n, const struct task *chosen)
{
	const struct trace_candidate *rival = NULL;

	for (unsigned i = 0; i < n; i++) {
		const struct trace_candidate *r = &all[i];

		if (r->tid == (i32)chosen->id)
			continue;
		if (!rival || r->class < rival->class ||
		    (r->class == rival->class && r->key < rival->key))
			rival = r;
	}
	if (!rival)
		return TRACE_rule_only_candidate;
	if (rival->class != chosen->params.class)
		return TRACE_rule_higher_class;
	return rival->key == chosen->entity.key ? TRACE_rule_first_come : chosen->policy->rule;
}

void decision_record(const struct task *prev, bool prev_ready, const struct task *next, u64 now_ns)
{
	struct trace_candidate all[TRACE_CANDIDATES_MAX];
	struct trace_sched_decision d = {
		.seq = scheduler.seq,
		.rule = TRACE_rule_queue_empty,
		.chosen = 255,
		.waiting = scheduler.waiting + prev_ready,
	};
	unsigned n = 0;

	if (trace_level == TRACE_OFF)
		return;
	if (next) {
		n = gather(all, TRACE_CANDIDATES_MAX - prev_ready, now_ns);
		if (prev_ready)
			all[n++] = candidate(prev, 1, now_ns);
		d.rule = rule_for(all, n, next);
		d.class = (u8)next->params.class;
		d.chosen = 0;
	}
	if (trace_level == TRACE_FULL)
		d.candidates_len = (u8)n;
	trace_record(TRACE_EV_SCHED_DECISION, &d, sizeof d, all,
		     d.candidates_len * sizeof all[0]);
}
