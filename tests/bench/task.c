/* A task's life: made, run for the first time, ended, joined. */
#include "async/join.h"
#include "bench.h"

#define ROUNDS 300u

static enum poll child(void *frame)
{
	(void)frame;
	bench_end();
	return POLL_READY;
}

static enum poll ends(void *frame)
{
	(void)frame;
	bench_begin();
	return POLL_READY;
}

static enum poll nothing(void *frame)
{
	(void)frame;
	return POLL_READY;
}

struct main {
	struct async async;
	struct join join;
	struct task *t;
	unsigned i;
};

/* The new task preempts the old one: it runs on a stack of its own. */
static void measure_stackful(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		bench_begin();
		must(TASK_SPAWN(NULL, "child", child, (struct async){}, SCHED_PARAMS_FIFO(12)));
	}
	bench_report("task.spawn_to_run.stackful");
}

static enum poll bench(void *frame)
{
	struct main *me = frame;

	ASYNC_BEGIN(me);
	bench_calibrate();
	measure_stackful();
	/* The new task is polled on the stack that the old one's poll has left. */
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		bench_begin();
		must(TASK_SPAWN(&me->t, "child", child, (struct async){},
				SCHED_PARAMS_FIFO(BENCH_LEVEL)));
		AWAIT(me, task_join(&me->join, me->t));
		task_put(me->t);
	}
	bench_report("task.spawn_to_run.stackless");
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		bench_begin();
		must(TASK_SPAWN(&me->t, "child", nothing, (struct async){},
				SCHED_PARAMS_FIFO(BENCH_LEVEL)));
		AWAIT(me, task_join(&me->join, me->t));
		task_put(me->t);
		bench_end();
	}
	bench_report("task.spawn_join.stackless");
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		bench_begin();
		must(TASK_SPAWN(&me->t, "child", nothing, (struct async){}, SCHED_PARAMS_FIFO(12)));
		AWAIT(me, task_join(&me->join, me->t));
		task_put(me->t);
		bench_end();
	}
	bench_report("task.spawn_join.stackful");
	/* From the end of one to who waited for it. */
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		must(TASK_SPAWN(&me->t, "child", ends, (struct async){},
				SCHED_PARAMS_FIFO(BENCH_LEVEL)));
		AWAIT(me, task_join(&me->join, me->t));
		bench_end();
		task_put(me->t);
	}
	bench_report("task.exit.stackless");
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		must(TASK_SPAWN(NULL, "child", ends, (struct async){}, SCHED_PARAMS_FIFO(12)));
		bench_end();
	}
	bench_report("task.exit.stackful");
	bench_done();
	ASYNC_END(me);
}

BENCH_MAIN(bench, struct main)
