/* Round robin among loops, and one that is more urgent: the pins ask about preemptions. */
#include "../../../tests/unit/test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "services/burn.h"

#define TASKS 3u

struct works {
	struct async async;
	u64 work_ns;
};

static enum poll works(void *frame)
{
	struct works *me = frame;

	burn_ns(me->work_ns);
	return POLL_READY;
}

struct scene {
	struct async async;
	struct join join;
	struct task *tasks[TASKS];
	u64 random;
	unsigned i;
};

/* Quanta of 200 us; work in multiples of them, and a half. */
static enum poll loops(void *frame)
{
	static const char *const names[TASKS] = {"anna", "bert", "cleo"};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	for (me->i = 0; me->i < TASKS; me->i++) {
		struct sched_params params = SCHED_PARAMS_RR(8, US(200));

		params.cpus = 1;
		MUST(TASK_SPAWN(&me->tasks[me->i], names[me->i], works,
				((struct works){.work_ns = US(100) +
							   US(200) * (1 + test_below(&me->random, 7))}),
				params));
	}
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(loops));
