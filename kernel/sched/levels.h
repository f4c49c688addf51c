/*
 * levels.h: 32 queues with a bitmap: the queue functions of the policies that have levels. All
 * O(1). The key is 31 minus the level, so the least key is the lowest bit set. Context and locks
 * as in sched.h.
 */
#pragma once

#include "sched/sched.h"

struct levels {
	u32 used; /* bit k: queue[k] is not empty */
	struct list queue[SCHED_LEVELS];
	u32 order; /* arrivals so far */
};

void levels_enqueue(void *queue, struct sched_entity *e, bool at_head);
void levels_dequeue(void *queue, struct sched_entity *e);
struct sched_entity *levels_peek(const void *queue);
unsigned levels_list(const void *queue, struct sched_entity **best, unsigned max);

/** The key of level @p level. */
static inline u64 levels_key(unsigned level)
{
	return SCHED_LEVELS - 1u - level;
}
