/*
 * levels.h: 32 queues with a bitmap: the queue functions of the policies that have levels. The
 * key is 31 minus the level, so the least key is the lowest bit set. Entities that may run
 * everywhere stand in the levels' lists; those that may not, in one tree for all levels. So a CPU
 * compares two candidates at most. Without the second kind all is O(1); with r of them all is
 * O(log r) expected. Context and locks as in sched.h.
 */
#pragma once

#include "sched/ordered.h"

struct levels {
	u32 used; /* bit k: queue[k] is not empty */
	struct list queue[SCHED_LEVELS];
	struct ordered pinned;
};

void levels_enqueue(void *queue, struct sched_entity *e, bool at_head);
void levels_dequeue(void *queue, struct sched_entity *e);
struct sched_entity *levels_peek(const void *queue, unsigned cpu);
unsigned levels_list(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max);

/** The key of level @p level. */
static inline u64 levels_key(unsigned level)
{
	return SCHED_LEVELS - 1u - level;
}
