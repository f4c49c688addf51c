/*
 * pages.h: where programs that explore queues have them, and the one policy that they have: POLICY,
 * which a program names first.
 */
#pragma once

#include "explore.h"
#include "mm/page.h"
#include "sched/sched.h"

static usize pages_used;

void *page_alloc(unsigned order)
{
	usize at = pages_used;

	pages_used += PAGE_BYTES << order;
	return pages_used <= EXPLORE_SCRATCH_BYTES ? explore_scratch + at : NULL;
}

const struct sched_policy *sched_policy_at(unsigned urgency)
{
	return urgency == POLICY.urgency ? &POLICY : NULL;
}

const struct sched_policy *sched_policy_of(unsigned class)
{
	(void)class;
	return &POLICY;
}
