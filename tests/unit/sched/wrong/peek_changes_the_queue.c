/* To look is not to touch: peek has the queue as const. */
#include "sched/ordered.h"

static struct sched_entity *peek(const void *queue, unsigned cpu)
{
	struct ordered *q = queue;

	q->tree.root = NULL;
	return ordered_peek(q, cpu);
}

const struct sched_policy sched_wrong = {.name = "wrong", .peek = peek};
