/*
 * Stride: service in proportion to tickets, with no luck in it (Waldspurger and Weihl, "Stride
 * Scheduling: Deterministic Proportional-Share Resource Management", MIT/LCS/TM-528, 1995). The
 * least pass is served; a pass is the virtual time of share.h, which charges what was used and not
 * whole quanta, and the global pass is V. Who blocks takes the distance to it along and comes back
 * at the same. On one CPU the service of two who compute is never off their tickets' ratio by more
 * than a quantum (section 2.2 there: passes differ by a stride at most).
 */
#include "sched/share.h"

static struct share_queue stride_queue;

static void stride_release(void *queue, struct sched_entity *e, const struct sched_params *p,
			   u64 now_ns)
{
	(void)now_ns;
	e->quantum_ns = p->quantum_ns;
	share_join(queue, e, p->share, e->own.share.ahead);
	e->key = e->own.share.at;
}

static void stride_charge(void *queue, struct sched_entity *e, const struct sched_params *p,
			  u64 ran_ns, u64 now_ns, bool quantum_over)
{
	(void)p, (void)now_ns, (void)quantum_over;
	share_charge(queue, e, ran_ns);
	e->key = e->own.share.at;
}

static bool stride_keeps(void *queue, const struct sched_entity *cur,
			 const struct sched_entity *next, unsigned cpu)
{
	(void)queue, (void)cpu;
	return cur->key < next->key;
}

static void stride_leave(void *queue, struct sched_entity *e, const struct sched_params *p)
{
	i64 most = SHARE_LAG_MAX / p->share;
	i64 ahead = share_leave(queue, e);

	e->own.share.ahead = MAX(-most, MIN(ahead, most));
}

static void stride_enqueue(void *queue, struct sched_entity *e, bool at_head)
{
	struct share_queue *q = queue;

	share_join_era(q, e);
	e->key = e->own.share.at;
	ordered_enqueue(&q->waiting, e, at_head);
}

const struct sched_policy sched_stride = {
	.name = "stride",
	.takes = {.cpus = SCHED_CPUS_ANY,
		  .share = {1, SCHED_SHARE_MAX},
		  .quantum_ns = {SCHED_QUANTUM_MIN_NS, SCHED_QUANTUM_MAX_NS}},
	.rule = TRACE_rule_least_virtual_time,
	.urgency = TRACE_sched_urgency_stride,
	.single = true,
	.flat = true,
	.queue = &stride_queue,
	.queue_bytes = sizeof stride_queue,
	.release = stride_release,
	.charge = stride_charge,
	.keeps = stride_keeps,
	.leave = stride_leave,
	.enqueue = stride_enqueue,
	.dequeue = ordered_dequeue,
	.peek = ordered_peek,
	.list = ordered_list,
};
