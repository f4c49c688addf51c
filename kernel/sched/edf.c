/*
 * Earliest deadline first (Liu and Layland, JACM 20(1), 1973; global on m CPUs: Goossens, Funk,
 * Baruah, Real-Time Systems 25, 2003). The key is the job's absolute deadline, fixed at release.
 * The clustered class stands above the global one and names its CPUs (Calandrino, Anderson,
 * Baumberger, "A hybrid real-time scheduling approach for large-scale multicore platforms",
 * ECRTS 2007); clusters may overlap.
 */
#include "sched/ordered.h"

static struct ordered edf_queue, cedf_queue;

static u64 edf_key(const struct sched_params *p, u64 release_ns)
{
	return release_ns + p->deadline_ns;
}

const struct sched_policy sched_edf = {
	.name = "edf",
	.takes = {.cpus = SCHED_CPUS_ANY, .deadline_ns = {1, SCHED_DEADLINE_MAX_NS}},
	.rule = TRACE_rule_earliest_deadline,
	.urgency = TRACE_sched_urgency_edf,
	.queue = &edf_queue,
	.queue_bytes = sizeof edf_queue,
	.key = edf_key,
	.enqueue = ordered_enqueue,
	.dequeue = ordered_dequeue,
	.peek = ordered_peek,
	.list = ordered_list,
};

const struct sched_policy sched_cedf = {
	.name = "cedf",
	.takes = {.cpus = {1, SCHED_CPUS_ALL}, .deadline_ns = {1, SCHED_DEADLINE_MAX_NS}},
	.rule = TRACE_rule_earliest_deadline,
	.urgency = TRACE_sched_urgency_cedf,
	.queue = &cedf_queue,
	.queue_bytes = sizeof cedf_queue,
	.key = edf_key,
	.enqueue = ordered_enqueue,
	.dequeue = ordered_dequeue,
	.peek = ordered_peek,
	.list = ordered_list,
};
