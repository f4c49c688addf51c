/*
 * Earliest deadline first (Liu and Layland, JACM 20(1), 1973; global on m CPUs: Goossens, Funk,
 * Baruah, Real-Time Systems 25, 2003). The key is the job's absolute deadline, fixed at release.
 * The clustered class stands above the global one and names its CPUs (Calandrino, Anderson,
 * Baumberger, "A hybrid real-time scheduling approach for large-scale multicore platforms",
 * ECRTS 2007); clusters may overlap.
 */
#include "sched/ordered.h"

static struct ordered edf_queue, cedf_queue;

static int edf_validate(const struct sched_params *p, const char **why)
{
	if (p->deadline_ns && p->deadline_ns <= SEC(1000000) && !p->quantum_ns && !p->level)
		return 0;
	*why = "edf takes a relative deadline from 1 ns to 1000000 s, and neither level nor quantum";
	return ERR_INVAL;
}

static int cedf_validate(const struct sched_params *p, const char **why)
{
	if (p->cpus && p->deadline_ns && p->deadline_ns <= SEC(1000000) && !p->quantum_ns &&
	    !p->level)
		return 0;
	*why = "cedf takes a set of CPUs and a relative deadline from 1 ns to 1000000 s, and "
	       "neither level nor quantum";
	return ERR_INVAL;
}

static u64 edf_key(const struct sched_params *p, u64 release_ns)
{
	return release_ns + p->deadline_ns;
}

const struct sched_policy sched_edf = {
	.name = "edf",
	.rule = TRACE_rule_earliest_deadline,
	.queue = &edf_queue,
	.validate = edf_validate,
	.key = edf_key,
	.enqueue = ordered_enqueue,
	.dequeue = ordered_dequeue,
	.peek = ordered_peek,
	.list = ordered_list,
};

const struct sched_policy sched_cedf = {
	.name = "cedf",
	.rule = TRACE_rule_earliest_deadline,
	.queue = &cedf_queue,
	.validate = cedf_validate,
	.key = edf_key,
	.enqueue = ordered_enqueue,
	.dequeue = ordered_dequeue,
	.peek = ordered_peek,
	.list = ordered_list,
};
