/*
 * What is recorded of decisions at each level of the recorder; test_levels.py reads the trace. In each
 * phase there are four tasks that bear its name: one preempts who makes them, the others become ready together.
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
	struct task *tasks[4];
	unsigned level, i;
	u64 before, after, lost;
};

static enum poll levels(void *frame)
{
	static const char *const names[] = {"off", "brief", "full"};
	static const struct sched_params params[] = {{.class = SCHED_EDF, .deadline_ns = SEC(1)},
						     {.class = SCHED_FIFO, .level = 3},
						     {.class = SCHED_FIFO, .level = 4},
						     {.class = SCHED_FIFO, .level = 4}};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->level = TRACE_OFF; me->level <= TRACE_FULL; me->level++) {
		trace_set_level(me->level);
		trace_counts(&me->before, &me->lost);
		for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
			MUST(TASK_SPAWN(&me->tasks[me->i], names[me->level], nothing, (struct async){}, params[me->i]));
		for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
			AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		trace_counts(&me->after, &me->lost);
		CHECK_EQ(me->level != TRACE_OFF, me->after > me->before);
		for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
			task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(levels));
