/*
 * Round robin within 32 fixed levels: POSIX SCHED_RR (IEEE Std 1003.1-2017, 2.8.4). The executor
 * ends the quantum and hands the task back at the tail; a preempted one comes back at the head
 * with what is left of its quantum.
 */
#include "sched/levels.h"

static struct levels levels;

const struct sched_policy sched_rr = {
	.name = "rr",
	.takes = {.cpus = SCHED_CPUS_ANY,
		  .level = {0, SCHED_LEVELS - 1},
		  .quantum_ns = {SCHED_QUANTUM_MIN_NS, SCHED_QUANTUM_MAX_NS}},
	.rule = TRACE_rule_highest_priority,
	.urgency = TRACE_sched_urgency_rr,
	LEVELS_POLICY(levels),
};
