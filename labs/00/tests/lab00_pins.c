/* Four tasks that compute and sleep, each its own number of times: the pins ask about them. */
#include "../../../tests/unit/test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "services/burn.h"

#define TASKS 4u

struct worker {
	struct async async;
	struct sleep sleep;
	unsigned times;
};

static enum poll worker(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	for (; me->times; me->times--) {
		burn_ns(US(100));
		AWAIT(me, sleep_for(&me->sleep, US(400)));
	}
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct join join;
	u64 random;
	unsigned i, most;
	struct task *tasks[TASKS];
};

static enum poll four_workers(void *frame)
{
	static const char *const names[TASKS] = {"anna", "bert", "cleo", "dora"};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	me->most = (unsigned)test_below(&me->random, TASKS);
	for (me->i = 0; me->i < TASKS; me->i++)
		MUST(TASK_SPAWN(
			&me->tasks[me->i], names[me->i], worker,
			((struct worker){.times = me->i == me->most ? 12
								    : 2 + (unsigned)test_below(
										  &me->random, 8)}),
			SCHED_PARAMS_FIFO(8)));
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(four_workers));
