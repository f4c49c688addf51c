/*
 * What guards deadlines, in the running kernel: servers that throttle and postpone, admission at
 * spawn, handlers of misses.
 * cpus: 1 4
 * seeds: 3
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "sched/admission.h"
#include "services/burn.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define BUDGET_NS MS(1)
#define PERIOD_NS MS(4)
#define LATE_NS US(20) /* what a budget's end comes late at most, with what the kernel does then */
#define WAKES_NS US(100) /* what waking three tasks takes at most */

static u64 begin_ns, stop_ns; /* of those who want all they can get */

static bool stopped(void)
{
	return clock_ns() >= stop_ns;
}

struct greedy {
	struct async async;
	struct sleep sleep;
	struct yield yield;
};

static enum poll computes(void *frame)
{
	struct greedy *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_until(&me->sleep, begin_ns));
	while (!stopped())
		burn_ns(US(1));
	ASYNC_END(me);
}

/* As much, but in many polls. */
static enum poll yields(void *frame)
{
	struct greedy *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_until(&me->sleep, begin_ns));
	while (!stopped()) {
		burn_ns(US(7));
		AWAIT(me, yield_now(&me->yield));
	}
	ASYNC_END(me);
}

/* As much, but in many jobs. */
static enum poll naps(void *frame)
{
	struct greedy *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_until(&me->sleep, begin_ns));
	while (!stopped()) {
		burn_ns(US(90));
		AWAIT(me, sleep_for(&me->sleep, US(3)));
	}
	ASYNC_END(me);
}

static struct sched_params server(bool hard)
{
	return (struct sched_params){.class = SCHED_EDF,
				     .deadline_ns = PERIOD_NS,
				     .budget_ns = BUDGET_NS,
				     .period_ns = PERIOD_NS,
				     .hard = hard};
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	u64 random;
	unsigned i, round;
	struct task *tasks[3], *other;
};

static u64 service_ns(struct task *t)
{
	struct task_info info;

	task_info(t, &info);
	return info.cpu_ns;
}

static void spawn_greedy(struct scene *me, bool hard)
{
	static task_fn *const fn[] = {computes, yields, naps};

	begin_ns = clock_ns() + MS(1);
	stop_ns = begin_ns + MS(40);
	for (unsigned i = 0; i < 3; i++)
		MUST(TASK_SPAWN(&me->tasks[i], "greedy", fn[i], (struct greedy){}, server(hard)));
}

static enum poll join_all(struct scene *me)
{
	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 3; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

struct scenes {
	struct async async;
	struct scene scene, end;
};

/*
 * Whatever they do, hard servers get their budget in each period; and as nobody else asks for the
 * CPU, no less. A budget's end that comes late is taken from the next one, so that lateness does
 * not add up. The napper's periods begin with its jobs; it gets its bandwidth, and a budget.
 */
static void check_hard(const struct scene *me)
{
	for (unsigned i = 0; i < 3; i++) {
		/* The servers may preempt the one who measures. */
		u64 before_ns = clock_ns(), had_ns = service_ns(me->tasks[i]), after_ns = clock_ns();

		after_ns -= MIN(after_ns, begin_ns);
		CHECK(had_ns <= (after_ns / PERIOD_NS + 1 + (i == 2)) * BUDGET_NS + LATE_NS);
		/* The periods begin when the tasks were woken, one after the other. */
		before_ns = MIN(before_ns, stop_ns);
		before_ns -= MIN(before_ns, begin_ns + WAKES_NS);
		CHECK(i == 2 || had_ns + LATE_NS >= before_ns / PERIOD_NS * BUDGET_NS);
	}
}

static enum poll hard_servers_throttle(void *frame)
{
	struct scenes *all = frame;
	struct scene *me = &all->scene;

	ASYNC_BEGIN(all);
	me->random = trace_descriptor.seed;
	spawn_greedy(me, true);
	for (me->round = 0; me->round < 50; me->round++) {
		AWAIT(all, sleep_for(&me->sleep, test_below(&me->random, MS(1))));
		check_hard(me);
	}
	CHECK(service_ns(me->tasks[2]) > 3 * BUDGET_NS);
	all->end = *me;
	all->end.async = (struct async){};
	AWAIT_CALL(all, (task_fn *)join_all, &all->end);
	ASYNC_END(all);
}

/* Soft ones use the rest as well, and none of them gets less than its bandwidth. */
static enum poll soft_servers_postpone(void *frame)
{
	struct scenes *all = frame;
	struct scene *me = &all->scene;
	u64 sum_ns = 0;

	ASYNC_BEGIN(all);
	spawn_greedy(me, false);
	AWAIT(all, sleep_until(&me->sleep, stop_ns));
	for (unsigned i = 0; i < 3; i++) {
		u64 had_ns = service_ns(me->tasks[i]);

		sum_ns += had_ns;
		CHECK(i == 2 || had_ns + BUDGET_NS + LATE_NS >=
					(stop_ns - begin_ns) / PERIOD_NS * BUDGET_NS);
	}
	CHECK(sum_ns > (stop_ns - begin_ns) / 10 * 9);
	all->end = *me;
	all->end.async = (struct async){};
	AWAIT_CALL(all, (task_fn *)join_all, &all->end);
	ASYNC_END(all);
}

struct periodic {
	struct async async;
	struct sleep sleep;
	struct yield yield;
	u64 period_ns, work_ns, next_ns, stop_ns;
};

static enum poll periodic(void *frame)
{
	struct periodic *me = frame;

	ASYNC_BEGIN(me);
	for (; me->next_ns < me->stop_ns; me->next_ns += me->period_ns) {
		AWAIT(me, sleep_until(&me->sleep, me->next_ns));
		burn_ns(me->work_ns);
		AWAIT(me, yield_now(&me->yield)); /* two polls a job */
	}
	ASYNC_END(me);
}

/* A task with 20 % of the CPU to itself misses nothing beside three that take what they can get,
 * which is 75 %. */
static enum poll servers_isolate(void *frame)
{
	struct scenes *all = frame;
	struct scene *me = &all->scene;
	struct task_info info;

	ASYNC_BEGIN(all);
	for (me->round = 0; me->round < 2; me->round++) {
		spawn_greedy(me, me->round);
		MUST(TASK_SPAWN(&me->other, "periodic", periodic,
				((struct periodic){.period_ns = MS(1),
						   .work_ns = US(200),
						   .next_ns = clock_ns() + MS(1),
						   .stop_ns = clock_ns() + MS(30)}),
				SCHED_PARAMS_EDF(MS(1))));
		AWAIT(all, task_join(&me->join, me->other));
		task_info(me->other, &info);
		CHECK_EQ(info.misses, 0);
		CHECK(info.job > 25);
		task_put(me->other);
		all->end = *me;
		all->end.async = (struct async){};
		AWAIT_CALL(all, (task_fn *)join_all, &all->end);
	}
	ASYNC_END(all);
}

static _Atomic unsigned told;
static _Atomic u64 told_late_ns;
static _Atomic u32 told_job;

static void on_miss(void *frame, u32 job, u64 late_ns)
{
	CHECK(((struct periodic *)frame)->period_ns == MS(1));
	CHECK(task_self());
	burn_ns(US(1));
	/* relaxed, all: read when the task was joined */
	atomic_fetch_add_explicit(&told, 1, memory_order_relaxed);
	atomic_store_explicit(&told_late_ns, late_ns, memory_order_relaxed);
	atomic_store_explicit(&told_job, job, memory_order_relaxed);
}

/* A handler is called for the jobs that miss, and for those only. */
static enum poll handlers_are_called(void *frame)
{
	struct scene *me = frame;
	struct task_info info;

	ASYNC_BEGIN(me);
	for (me->round = 0; me->round < 2; me->round++) {
		struct periodic p = {.period_ns = MS(1),
				     .work_ns = me->round ? US(600) : US(100),
				     .next_ns = clock_ns() + MS(1),
				     .stop_ns = clock_ns() + MS(10)};

		told = 0;
		MUST(task_spawn(&(struct task_spec){.name = "periodic",
						    .fn = periodic,
						    .frame = &p,
						    .frame_bytes = sizeof p,
						    .params = SCHED_PARAMS_EDF(US(300)),
						    .on_miss = on_miss},
				&me->other));
		AWAIT(me, task_join(&me->join, me->other));
		task_info(me->other, &info);
		CHECK_EQ(told, info.misses);
		if (me->round) {
			CHECK(info.misses + 2 >= info.job && info.misses > 5);
			CHECK(told_late_ns >= US(300) && told_late_ns < US(320));
			CHECK_EQ(told_job, info.job);
		} else {
			CHECK_EQ(info.misses, 0);
		}
		task_put(me->other);
	}
	ASYNC_END(me);
}

static int spawn_admitted(struct scene *me, unsigned i, struct sched_params p, u64 wcet_ns)
{
	struct greedy frame = {};

	if (p.class == SCHED_EDF && !p.budget_ns)
		p.cpus = 1;
	return task_spawn(&(struct task_spec){.name = "computes",
					      .fn = computes,
					      .frame = &frame,
					      .frame_bytes = sizeof frame,
					      .params = p,
					      .admit = true,
					      .period_ns = MS(10),
					      .wcet_ns = wcet_ns},
			  &me->tasks[i]);
}

/* The third would be too much until the first two are gone; who is refused leaves nothing. */
static enum poll admission_at_spawn(void *frame)
{
	struct scenes *all = frame;
	struct scene *me = &all->scene;
	struct sched_params p = SCHED_PARAMS_EDF(MS(10)), fair = SCHED_PARAMS_FAIR(1, MS(1));
	unsigned tasks;

	ASYNC_BEGIN(all);
	tasks = task_count();
	for (me->round = 0; me->round < 3; me->round++) {
		stop_ns = begin_ns = clock_ns() + MS(2);
		p = SCHED_PARAMS_EDF(MS(10));
		CHECK_EQ(spawn_admitted(me, 0, p, MS(4)), 0);
		CHECK_EQ(spawn_admitted(me, 1, p, MS(5)), 0);
		CHECK_EQ(spawn_admitted(me, 2, p, MS(2)), ERR_REFUSED);
		CHECK_EQ(spawn_admitted(me, 2, p, MS(11)), ERR_INVAL);
		CHECK_EQ(spawn_admitted(me, 2, fair, MS(1)), ERR_INVAL);
		CHECK_EQ(spawn_admitted(me, 2, p, MS(1)), 0);
		CHECK_EQ(task_count(), tasks + 3);
		all->end = *me;
		all->end.async = (struct async){};
		AWAIT_CALL(all, (task_fn *)join_all, &all->end);
		tasks = task_count();
	}
	ASYNC_END(all);
}

TESTS_MAIN(ASYNC(hard_servers_throttle), ASYNC(soft_servers_postpone), ASYNC(servers_isolate),
	   ASYNC(handlers_are_called), ASYNC(admission_at_spawn));
