/*
 * Round robin within 32 fixed levels: POSIX SCHED_RR (IEEE Std 1003.1-2017, 2.8.4). The executor
 * ends the quantum and hands the task back at the tail; a preempted one comes back at the head
 * with what is left of its quantum.
 */
#include "sched/levels.h"

static struct levels levels;

static int rr_validate(const struct sched_params *p, const char **why)
{
	if (p->level < SCHED_LEVELS && p->quantum_ns >= SCHED_QUANTUM_MIN_NS && !p->deadline_ns)
		return 0;
	*why = "rr takes a level from 0 to 31 and a quantum of at least 50000 ns, and no deadline";
	return ERR_INVAL;
}

static u64 rr_key(const struct sched_params *p, u64 release_ns)
{
	(void)release_ns;
	return levels_key(p->level);
}

const struct sched_policy sched_rr = {
	.name = "rr",
	.rule = TRACE_rule_highest_priority,
	.queue = &levels,
	.validate = rr_validate,
	.key = rr_key,
	.enqueue = levels_enqueue,
	.dequeue = levels_dequeue,
	.peek = levels_peek,
	.list = levels_list,
};
