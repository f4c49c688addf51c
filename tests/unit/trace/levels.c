/*
 * What is recorded of decisions at each level of the recorder; test_levels.py reads the trace. In each
 * phase two tasks that bear its name become ready together.
 * cpus: 1
 * seeds: 1
 */
#include "../test.h"
#include "async/join.h"
#include "trace/trace.h"

static enum poll nothing(void *frame)
{
	(void)frame;
	return POLL_READY;
}

struct scene {
	struct async async;
	struct join join;
	struct task *a, *b;
	unsigned level;
	u64 before, after, lost;
};

static enum poll levels(void *frame)
{
	static const char *const names[] = {"off", "brief", "full"};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->level = TRACE_OFF; me->level <= TRACE_FULL; me->level++) {
		trace_set_level(me->level);
		trace_counts(&me->before, &me->lost);
		MUST(TASK_SPAWN(&me->a, names[me->level], nothing, (struct async){}, SCHED_PARAMS_FIFO(3)));
		MUST(TASK_SPAWN(&me->b, names[me->level], nothing, (struct async){}, SCHED_PARAMS_FIFO(4)));
		AWAIT(me, task_join(&me->join, me->a));
		AWAIT(me, task_join(&me->join, me->b));
		trace_counts(&me->after, &me->lost);
		CHECK_EQ(me->level != TRACE_OFF, me->after > me->before);
		task_put(me->a);
		task_put(me->b);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(levels));
