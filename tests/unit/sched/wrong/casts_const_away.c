/* The same, with a cast. */
#include "sched/ordered.h"

static void release(void *queue, struct sched_entity *e, const struct sched_params *p, u64 now_ns)
{
	(void)queue, (void)now_ns;
	((struct sched_params *)p)->level++;
	e->key = p->level;
}

const struct sched_policy sched_wrong = {.name = "wrong", .release = release};
