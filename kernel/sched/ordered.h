/*
 * ordered.h: a queue by key: the queue functions of the policies whose keys are numbers of any
 * size. Exact for each CPU: a search passes by what may not run there. All O(log n) expected.
 * Context and locks as in sched.h.
 */
#pragma once

#include "sched/sched.h"

struct ordered {
	struct tree tree;
};

void ordered_enqueue(void *queue, struct sched_entity *e, bool at_head);
/** The same with a floor (base/tree.h), for a search with a limit. */
void ordered_insert(struct ordered *q, struct sched_entity *e, bool at_head, u64 floor);

void ordered_dequeue(void *queue, struct sched_entity *e);
struct sched_entity *ordered_peek(const void *queue, unsigned cpu);
unsigned ordered_list(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max);

/** What entity @p n belongs to; NULL for NULL. */
static inline struct sched_entity *ordered_entity(struct tree_node *n)
{
	return n ? CONTAINER_OF(n, struct sched_entity, node) : NULL;
}
