/*
 * The least urgent class: tasks that have nothing left to do but to end, or that were sent here
 * because they got in the way of the others. First in, first out; they run when nobody else wants
 * the CPU.
 */
#include "sched/levels.h"

static struct levels levels;

static u64 panicked_key(const struct sched_params *p, u64 release_ns)
{
	(void)p, (void)release_ns;
	return 0;
}

const struct sched_policy sched_panicked = {
	.name = "panicked",
	.takes = {.cpus = SCHED_CPUS_ANY},
	.rule = TRACE_rule_first_come,
	.urgency = TRACE_sched_urgency_panicked,
	.levels = true,
	.queue = &levels,
	.queue_bytes = sizeof levels,
	.key = panicked_key,
	.enqueue = levels_enqueue,
	.dequeue = levels_dequeue,
	.peek = levels_peek,
	.list = levels_list,
};
