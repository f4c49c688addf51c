/* First in, first out within 32 fixed levels: POSIX SCHED_FIFO (IEEE Std 1003.1-2017, 2.8.4). */
#include "sched/levels.h"

static struct levels levels;

static int fifo_validate(const struct sched_params *p, const char **why)
{
	if (p->level < SCHED_LEVELS && !p->quantum_ns && !p->deadline_ns)
		return 0;
	*why = "fifo takes a level from 0 to 31, and neither quantum nor deadline";
	return ERR_INVAL;
}

static u64 fifo_key(const struct sched_params *p, u64 release_ns)
{
	(void)release_ns;
	return levels_key(p->level);
}

const struct sched_policy sched_fifo = {
	.name = "fifo",
	.rule = TRACE_rule_highest_priority,
	.queue = &levels,
	.validate = fifo_validate,
	.key = fifo_key,
	.enqueue = levels_enqueue,
	.dequeue = levels_dequeue,
	.peek = levels_peek,
	.list = levels_list,
};
