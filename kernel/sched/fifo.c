/* First in, first out within 32 fixed levels: POSIX SCHED_FIFO (IEEE Std 1003.1-2017, 2.8.4). */
#include "sched/levels.h"

static struct levels levels;

const struct sched_policy sched_fifo = {
	.name = "fifo",
	.takes = {.cpus = SCHED_CPUS_ANY, .level = {0, SCHED_LEVELS - 1}},
	.rule = TRACE_rule_highest_priority,
	.urgency = TRACE_sched_urgency_fifo,
	LEVELS_POLICY(levels),
};
