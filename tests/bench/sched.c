/* Going from one task to another: yields, wake-ups, ends of polls. */
#include "async/join.h"
#include "bench.h"

struct yielder {
	struct async async;
	struct yield yield;
};

/* Two of these take turns; each path begins in one and ends in the other. */
static enum poll yielder(void *frame)
{
	struct yielder *me = frame;

	ASYNC_BEGIN(me);
	while (bench_more()) {
		bench_end();
		bench_begin();
		AWAIT(me, yield_now(&me->yield));
	}
	ASYNC_END(me);
}

/* Waits to be woken, for ever: the path that its waker began ends here. */
static enum poll woken(void *frame)
{
	(void)frame;
	bench_end();
	return POLL_PENDING;
}

/* The same; a path begins when its poll is about to end. */
static enum poll leaving(void *frame)
{
	(void)frame;
	bench_begin();
	return POLL_PENDING;
}

/* Woken by whoever waits meanwhile: wakes the other one, and waits. */
struct blocker {
	struct async async;
	struct park park;
	struct task **other;
};

static enum poll blocker(void *frame)
{
	struct blocker *me = frame;

	ASYNC_BEGIN(me);
	while (bench_more()) {
		AWAIT(me, park(&me->park));
		bench_end();
		bench_begin();
		task_wake(*me->other);
	}
	task_wake(*me->other);
	ASYNC_END(me);
}

/* Ready, and never run while the bench is. */
static enum poll bystander(void *frame)
{
	(void)frame;
	return POLL_READY;
}

struct main {
	struct async async;
	struct join join;
	struct task *a, *b, *high;
};

static void spawn_pair(struct main *me, const struct sched_params *pa, const struct sched_params *pb)
{
	preempt_disable(); /* both are there before one runs */
	must(TASK_SPAWN(&me->a, "a", yielder, (struct yielder){}, *pa));
	must(TASK_SPAWN(&me->b, "b", yielder, (struct yielder){}, *pb));
	preempt_enable();
}

/* With equal deadlines, although the second is released later. */
static void spawn_edf_pair(struct main *me)
{
	struct sched_params edf = SCHED_PARAMS_EDF(SEC(1));

	preempt_disable();
	spawn_pair(me, &edf, &edf);
	edf.deadline_ns -= me->b->entity.key - me->a->entity.key;
	must(task_set_params(me->b, &edf));
	if (me->a->entity.key != me->b->entity.key)
		panic("the deadlines are not equal");
	preempt_enable();
}

static void measure_wake(struct main *me)
{
	must(TASK_SPAWN(&me->high, "high", woken, (struct async){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		bench_begin();
		task_wake(me->high);
	}
	bench_report("sched.wake_to_run");
}

static void measure_wake_edf(struct main *me)
{
	must(TASK_SPAWN(&me->high, "high", woken, (struct async){}, SCHED_PARAMS_EDF(MS(1))));
	while (bench_more()) {
		bench_begin();
		task_wake(me->high);
	}
	bench_report("sched.wake_to_run.edf");
}

/* There and back again: the lower task is preempted in the middle of its poll, and resumed. */
static void measure_roundtrip(struct main *me)
{
	must(TASK_SPAWN(&me->high, "high", bystander, (struct async){}, SCHED_PARAMS_FIFO(12)));
	task_put(me->high);
	must(TASK_SPAWN(&me->high, "high", leaving, (struct async){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		task_wake(me->high);
		bench_end();
	}
	bench_report("sched.yield_oneway.fifo.stackful");
}

static enum poll nothing(void *frame)
{
	(void)frame;
	return POLL_PENDING;
}

static void measure_roundtrip_whole(struct main *me)
{
	must(TASK_SPAWN(&me->high, "high", nothing, (struct async){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		bench_begin();
		task_wake(me->high);
		bench_end();
	}
	bench_report("sched.wake_roundtrip");
}

static void measure_wake_lower(struct main *me)
{
	must(TASK_SPAWN(&me->high, "low", nothing, (struct async){}, SCHED_PARAMS_FIFO(2)));
	while (bench_more()) {
		bench_begin();
		task_wake(me->high); /* the first time it is queued, then it is ready already */
		bench_end();
	}
	bench_report("sched.wake_ready");
}

static void spawn_blockers(struct main *me)
{
	preempt_disable();
	must(TASK_SPAWN(&me->a, "a", blocker, (struct blocker){.other = &me->b},
			SCHED_PARAMS_FIFO(9)));
	must(TASK_SPAWN(&me->b, "b", blocker, (struct blocker){.other = &me->a},
			SCHED_PARAMS_FIFO(9)));
	preempt_enable(); /* both run up to their first park */
	task_wake(me->a);
}

static const struct sched_params fifo = SCHED_PARAMS_FIFO(9), rr = SCHED_PARAMS_RR(9, SEC(1));

static enum poll bench(void *frame)
{
	struct main *me = frame;

	ASYNC_BEGIN(me);
	bench_calibrate();
	spawn_pair(me, &fifo, &fifo);
	AWAIT(me, task_join(&me->join, me->a));
	AWAIT(me, task_join(&me->join, me->b));
	bench_report("sched.yield_oneway.fifo.stackless");
	spawn_pair(me, &rr, &rr);
	AWAIT(me, task_join(&me->join, me->a));
	AWAIT(me, task_join(&me->join, me->b));
	bench_report("sched.yield_oneway.rr.stackless");
	spawn_edf_pair(me);
	AWAIT(me, task_join(&me->join, me->a));
	AWAIT(me, task_join(&me->join, me->b));
	bench_report("sched.yield_oneway.edf.stackless");
	must(TASK_SPAWN(&me->a, "a", yielder, (struct yielder){}, fifo));
	AWAIT(me, task_join(&me->join, me->a));
	bench_report("sched.yield_alone");
	spawn_blockers(me);
	AWAIT(me, task_join(&me->join, me->a));
	AWAIT(me, task_join(&me->join, me->b));
	bench_report("sched.wake_block_to_run");
	measure_wake(me);
	measure_wake_edf(me);
	measure_roundtrip(me);
	measure_roundtrip_whole(me);
	measure_wake_lower(me);
	for (unsigned i = 0; i < BENCH_LEVEL; i++)
		must(TASK_SPAWN(NULL, "low", bystander, (struct async){}, SCHED_PARAMS_FIFO(i)));
	spawn_pair(me, &fifo, &fifo);
	AWAIT(me, task_join(&me->join, me->a));
	bench_report("sched.yield_oneway.prio.stackless");
	bench_done();
	ASYNC_END(me);
}

BENCH_MAIN(bench, struct main)
