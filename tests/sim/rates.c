/*
 * Workloads by which the simulator's speed is told, on any board: `switches=N`, two tasks that
 * yield to each other N times each; `tasks=N`, so many are spawned and end; `idle=N`, N seconds in
 * which a task wakes every 10 ms.
 */
#include "../unit/test.h"
#include "async/join.h"
#include "async/sleep.h"

#define TASKS_MAX 256u

struct work {
	struct async async;
	u64 n, i;
	struct yield yield;
	struct sleep sleep;
};

static enum poll yields(void *frame)
{
	struct work *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < me->n; me->i++)
		AWAIT(me, yield_now(&me->yield));
	ASYNC_END(me);
}

static enum poll ends(void *frame)
{
	struct work *me = frame;

	ASYNC_BEGIN(me);
	ASYNC_END(me);
}

static enum poll idles(void *frame)
{
	struct work *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < me->n; me->i++)
		AWAIT(me, sleep_for(&me->sleep, MS(10)));
	ASYNC_END(me);
}

static u64 number(const char *name)
{
	char text[24];
	u64 n = 0;

	if (words_find(board_cmdline(), name, text, sizeof text) && parse_u64(text, &n))
		panic("%s=%s: expected a number", name, text);
	return n;
}

struct rates {
	struct async async;
	struct task *tasks[TASKS_MAX];
	unsigned i, count;
	struct join join;
};

static void spawn(struct rates *me, task_fn *fn, u64 n)
{
	struct work frame = {.n = n};

	if (me->count == TASKS_MAX ||
	    TASK_SPAWN(&me->tasks[me->count], "work", fn, frame, SCHED_PARAMS_FIFO(16)))
		panic("cannot spawn");
	me->count++;
}

static enum poll rates(void *frame)
{
	struct rates *me = frame;

	ASYNC_BEGIN(me);
	preempt_disable();
	for (unsigned i = 0; number("switches") && i < 2; i++)
		spawn(me, yields, number("switches"));
	for (u64 i = 0; i < number("tasks"); i++)
		spawn(me, ends, 0);
	if (number("idle"))
		spawn(me, idles, 100 * number("idle"));
	preempt_enable();
	for (me->i = 0; me->i < me->count; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(rates));
