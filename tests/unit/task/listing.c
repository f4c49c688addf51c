/*
 * The list of tasks, read one by one while others begin and end: ids rise, and whoever is there
 * from begin to end is in it once.
 * cpus: 1 4
 * seeds: 3
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"

#define STAYERS 6u

static _Atomic bool end; /* set by the one test, when it is done; relaxed: no more than that */

struct stayer {
	struct async async;
	struct sleep sleep;
};

static enum poll stayer(void *frame)
{
	struct stayer *me = frame;

	ASYNC_BEGIN(me);
	while (!atomic_load_explicit(&end, memory_order_relaxed))
		AWAIT(me, sleep_for(&me->sleep, US(50)));
	ASYNC_END(me);
}

struct mayfly {
	struct async async;
	struct sleep sleep;
	u64 ns;
};

static enum poll mayfly(void *frame)
{
	struct mayfly *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, me->ns));
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct task *stayers[STAYERS];
	struct join join;
	struct sleep sleep;
	struct task_info info;
	u64 seed;
	unsigned i, pass, met;
};

static void hatch(struct scene *me)
{
	MUST(TASK_SPAWN(NULL, "mayfly", mayfly,
			((struct mayfly){.ns = test_below(&me->seed, US(20))}),
			SCHED_PARAMS_FIFO(17)));
}

/* Another reader, who is always somewhere else in the list. */
static enum poll other(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	while (!atomic_load_explicit(&end, memory_order_relaxed)) {
		if (!task_next_info(me->info.id, &me->info))
			me->info.id = 0;
		AWAIT(me, sleep_for(&me->sleep, US(3)));
	}
	ASYNC_END(me);
}

static enum poll tasks_may_come_and_go_meanwhile(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(NULL, "other", other, ((struct scene){.i = 0}), SCHED_PARAMS_FIFO(18)));
	for (me->i = 0; me->i < STAYERS; me->i++) {
		hatch(me);
		MUST(TASK_SPAWN(&me->stayers[me->i], "stayer", stayer, (struct stayer){},
				SCHED_PARAMS_FIFO(17)));
	}
	for (me->pass = 0; me->pass < 60; me->pass++) {
		me->info.id = 0;
		me->met = 0;
		for (me->i = 0; task_next_info(me->i, &me->info);) {
			CHECK(me->info.id > me->i);
			me->i = me->info.id;
			me->met += !strcmp(me->info.name, "stayer");
			if (test_below(&me->seed, 3) == 0)
				hatch(me);
			AWAIT(me, sleep_for(&me->sleep, US(1) + test_below(&me->seed, US(9))));
		}
		CHECK_EQ(me->met, STAYERS);
	}
	atomic_store_explicit(&end, true, memory_order_relaxed);
	for (me->i = 0; me->i < STAYERS; me->i++) {
		AWAIT(me, task_join(&me->join, me->stayers[me->i]));
		task_put(me->stayers[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(tasks_may_come_and_go_meanwhile));
