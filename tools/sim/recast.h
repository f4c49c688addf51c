/*
 * recast.h: a run under another policy. `sched=CLASS` on the boot line gives every task that the
 * program spawns that class; of its own parameters it keeps what the class takes, and gets the
 * usual value for what it lacks. Context: task.
 */
#pragma once

#include "base/panic.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "core/cpu.h"
#include "sched/sched.h"

#define RECAST_DEADLINE_NS MS(100) /* of a task that had none */

/** @p value within @p r, 0 for what the class does not take; @p usual when there is none. */
static inline u64 recast_value(u64 value, u64 usual, struct sched_range r)
{
	return MIN(MAX(value ? value : usual, r.least), r.most);
}

/** @p p as the boot line wants it. */
static inline struct sched_params recast(struct sched_params p)
{
	const struct sched_policy *policy = NULL;
	char name[16];
	unsigned class = 0;

	if (!words_find(board_cmdline(), "sched", name, sizeof name))
		return p;
	for (; class < SCHED_CLASSES; class++)
		if ((policy = sched_policy_of(class)) && !strcmp(policy->name, name))
			break;
	if (class == SCHED_CLASSES || class == SCHED_PANICKED)
		panic("sched=%s: names no class", name);
	return (struct sched_params){
		.class = class,
		.cpus = p.cpus || !policy->takes.cpus.least ? p.cpus
							    : SCHED_CPUS_ALL >> (64 - cpu_count),
		.level = (u8)recast_value(p.level, 0, policy->takes.level),
		.share = (u16)recast_value(p.share, SCHED_SHARE_DEFAULT, policy->takes.share),
		.quantum_ns = recast_value(p.quantum_ns, SCHED_QUANTUM_DEFAULT_NS,
					   policy->takes.quantum_ns),
		.deadline_ns = recast_value(p.deadline_ns, RECAST_DEADLINE_NS,
					    policy->takes.deadline_ns),
		.hard = policy->takes.budget_ns.most && p.hard,
		.budget_ns = recast_value(p.budget_ns, 0, policy->takes.budget_ns),
		.period_ns = recast_value(p.period_ns, 0, policy->takes.period_ns),
	};
}
