/*
 * The least urgent class: tasks that have nothing left to do but to end, or that were sent here
 * because they got in the way of the others. First in, first out; they run when nobody else wants
 * the CPU.
 */
#include "sched/levels.h"

static struct levels levels;

const struct sched_policy sched_panicked = {
	.name = "panicked",
	.takes = {.cpus = SCHED_CPUS_ANY},
	.rule = TRACE_rule_first_come,
	.urgency = TRACE_sched_urgency_panicked,
	LEVELS_POLICY(levels),
};
