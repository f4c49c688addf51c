/* Tasks that preempt each other, as deep as the seed says: the pins ask about stacks. */
#include "../../../tests/unit/test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "services/burn.h"

#define TASKS 3u

struct works {
	struct async async;
	struct sleep sleep;
	u64 after_ns, work_ns;
};

static enum poll works(void *frame)
{
	struct works *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, me->after_ns));
	burn_ns(me->work_ns);
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct join join;
	struct task *tasks[TASKS];
	u64 random;
	unsigned i, drawn;
};

/* They come 200 us after each other and compute for 1,000; who is how urgent is drawn. */
static enum poll preemptions(void *frame)
{
	static const char *const names[TASKS] = {"anna", "bert", "cleo"};
	static const u8 levels[4][TASKS] = {{20, 21, 22}, {20, 22, 21}, {21, 22, 20}, {21, 20, 22}};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	me->drawn = (unsigned)test_below(&me->random, ARRAY_LEN(levels));
	for (me->i = 0; me->i < TASKS; me->i++) {
		struct works frame_of = {.after_ns = US(200) * (me->i + 1), .work_ns = MS(1)};
		struct sched_params params = SCHED_PARAMS_FIFO(levels[me->drawn][me->i]);

		params.cpus = 1;
		MUST(TASK_SPAWN(&me->tasks[me->i], names[me->i], works, frame_of, params));
	}
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(preemptions));
