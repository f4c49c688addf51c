/*
 * Fair: service in proportion to weight. Earliest eligible virtual deadline first (Stoica and
 * Abdel-Wahab, "Earliest Eligible Virtual Deadline First: A Flexible and Accurate Mechanism for
 * Proportional Share Resource Allocation", Old Dominion University, TR-95-22, 1995).
 *
 * A task's lag, its weight times what it is behind V (share.h), is the service that it is owed. A
 * request is for one quantum: it may be served once the lag is not negative, and is due, in
 * virtual time, when the quantum is used up. Of the requests that may be served the first one due
 * is; no equal cuts a quantum short. On one CPU, while nobody comes or goes, each lag stays above
 * minus the task's own quantum and below the longest quantum of all (theorem 1 there), give or
 * take what a quantum's end comes late.
 *
 * Who blocks ahead of its share finds that debt again when it comes back, up to a quantum; who
 * blocks behind it loses what it did not ask for. When nobody who waits may be served, because the
 * share is due to those who run elsewhere, the first one due is, so that no CPU idles.
 */
#include "sched/share.h"

static struct share_queue fair_queue;

static void request(struct sched_entity *e)
{
	e->own.share.from = e->own.share.at;
	e->key = e->own.share.at + share_virtual(e->quantum_ns, e->own.share.weight);
}

static void fair_release(void *queue, struct sched_entity *e, const struct sched_params *p,
			 u64 now_ns)
{
	(void)now_ns;
	e->quantum_ns = p->quantum_ns;
	share_join(queue, e, p->share, e->own.share.ahead);
	request(e);
}

static void fair_charge(void *queue, struct sched_entity *e, const struct sched_params *p,
			u64 ran_ns, u64 now_ns, bool quantum_over)
{
	(void)p, (void)now_ns;
	share_charge(queue, e, ran_ns);
	if (quantum_over)
		request(e);
}

static void fair_leave(void *queue, struct sched_entity *e, const struct sched_params *p)
{
	i64 quantum = (i64)share_virtual(p->quantum_ns, p->share);
	i64 ahead = share_leave(queue, e);

	e->own.share.ahead = MAX(0, MIN(ahead, quantum));
}

static bool may_be_served(const struct share_queue *q, const struct sched_entity *e)
{
	return e->own.share.from <= q->now;
}

static bool fair_keeps(void *queue, const struct sched_entity *cur,
		       const struct sched_entity *next, unsigned cpu)
{
	bool cur_may = may_be_served(queue, cur), next_may = may_be_served(queue, next);

	(void)cpu;
	return cur_may != next_may ? cur_may : cur->key < next->key;
}

static void fair_enqueue(void *queue, struct sched_entity *e, bool at_head)
{
	struct share_queue *q = queue;

	share_join_era(q, e);
	if (!at_head)
		request(e);
	ordered_insert(&q->waiting, e, at_head, e->own.share.from);
}

static struct sched_entity *fair_peek(const void *queue, unsigned cpu)
{
	const struct share_queue *q = queue;
	struct tree_node *n = tree_next(&q->waiting.tree, NULL, 1ull << cpu, q->now);

	return n ? ordered_entity(n) : ordered_peek(&q->waiting, cpu);
}

static unsigned fair_list(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max)
{
	const struct share_queue *q = queue;
	struct tree_node *n = NULL;
	unsigned i = 0;

	while (i < max && (n = tree_next(&q->waiting.tree, n, 1ull << cpu, q->now)))
		best[i++] = ordered_entity(n);
	n = NULL;
	while (i < max && (n = tree_next(&q->waiting.tree, n, 1ull << cpu, TREE_NO_LIMIT)))
		if (n->floor > q->now)
			best[i++] = ordered_entity(n);
	return i;
}

const struct sched_policy sched_fair = {
	.name = "fair",
	.takes = {.cpus = SCHED_CPUS_ANY,
		  .share = {1, SCHED_SHARE_MAX},
		  .quantum_ns = {SCHED_QUANTUM_MIN_NS, SCHED_QUANTUM_MAX_NS}},
	.rule = TRACE_rule_least_virtual_time,
	.urgency = TRACE_sched_urgency_fair,
	.single = true,
	.flat = true,
	.queue = &fair_queue,
	.queue_bytes = sizeof fair_queue,
	.release = fair_release,
	.charge = fair_charge,
	.keeps = fair_keeps,
	.leave = fair_leave,
	.enqueue = fair_enqueue,
	.dequeue = ordered_dequeue,
	.peek = fair_peek,
	.list = fair_list,
};
