/*
 * What the policies promise about time, in virtual time: EDF misses nothing up to full
 * utilisation, round robin serves equals equally, FIFO runs to completion. The last two say so of
 * one CPU.
 * cpus: 1 4
 * seeds: 3
 */
#include "../test.h"
#include "async/join.h"
#include "periodic.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define TASKS_MAX  6u
#define RUN_NS     MS(60)
#define QUANTUM_NS US(200)

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	u64 random;
	unsigned i, n, round, percent;
	u64 misses, least, most;
	struct task *tasks[TASKS_MAX + 2];
};

/* Periods from 1 to 10 ms; the shares of the CPU are random and add up to @p percent. */
static void spawn_periodic(struct scene *me, unsigned percent)
{
	u64 weight[TASKS_MAX], total = 0, begin_ns = clock_ns() + MS(1);

	me->n = 2 + (unsigned)test_below(&me->random, TASKS_MAX - 1);
	for (unsigned i = 0; i < me->n; i++)
		total += weight[i] = 1 + test_below(&me->random, 10);
	for (unsigned i = 0; i < me->n; i++) {
		u64 period_ns = MS(1) + test_below(&me->random, MS(9));
		u64 work_ns = period_ns * percent * weight[i] / total / 100;

		MUST(TASK_SPAWN(&me->tasks[i], "periodic", periodic,
				((struct periodic){.period_ns = period_ns,
						   .work_ns = work_ns,
						   .next_ns = begin_ns,
						   .stop_ns = begin_ns + RUN_NS}),
				SCHED_PARAMS_EDF(period_ns)));
	}
}

static enum poll run_periodic(struct scene *me)
{
	struct task_info info;

	ASYNC_BEGIN(me);
	spawn_periodic(me, me->percent);
	me->misses = 0;
	for (me->i = 0; me->i < me->n; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_info(me->tasks[me->i], &info);
		CHECK(me->percent > 100 || info.job > 5);
		me->misses += info.misses;
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

struct rounds {
	struct async async;
	struct scene scene;
	unsigned round;
};

/* Liu and Layland 1973, theorem 7: EDF meets all deadlines when the utilisation is at most 1. The
 * kernel's own work is a part of it here, so the tasks get a little less. On four CPUs the bound
 * is 4 - 3u, u being the largest share of a task (Goossens, Funk, Baruah 2003, theorem 5). */
static enum poll edf_up_to_full_utilisation(void *frame)
{
	struct rounds *me = frame;

	ASYNC_BEGIN(me);
	me->scene.random = trace_descriptor.seed * 1000;
	me->scene.percent = 95;
	for (me->round = 0; me->round < 10; me->round++) {
		AWAIT_CALL(me, run_periodic, &me->scene);
		CHECK_EQ(me->scene.misses, 0);
	}
	ASYNC_END(me);
}

/* The measure can tell: beyond full utilisation deadlines are missed. */
static enum poll edf_beyond_it_misses(void *frame)
{
	struct rounds *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	me->scene.random = trace_descriptor.seed * 1000;
	me->scene.percent = 115;
	AWAIT_CALL(me, run_periodic, &me->scene);
	CHECK(me->scene.misses > 0);
	ASYNC_END(me);
}

static char ended[8];

struct fifo {
	struct async async;
	char letter;
};

static enum poll fifo(void *frame)
{
	struct fifo *me = frame;

	burn_ns(MS(1));
	ended[strlen(ended)] = me->letter;
	return POLL_READY;
}

static bool stop;

static enum poll computes(void *frame)
{
	(void)frame;
	while (!*(volatile bool *)&stop)
		burn_ns(US(1));
	return POLL_READY;
}

static u64 service_ns(struct task *t)
{
	struct task_info info;

	task_info(t, &info);
	return info.cpu_ns;
}

/*
 * Three equals compute; a more urgent task preempts them more often than quanta end. At no moment
 * has one had more than about a quantum more than another: neither does a preemption cost the
 * rest of a quantum, nor does it begin a new one.
 */
static enum poll round_robin_serves_equals_equally(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	me->random = trace_descriptor.seed;
	stop = false;
	for (me->i = 0; me->i < 3; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "computes", computes, (struct async){},
				SCHED_PARAMS_RR(5, QUANTUM_NS)));
	for (me->round = 0; me->round < 200; me->round++) {
		AWAIT(me, sleep_for(&me->sleep, US(20) + test_below(&me->random, US(120))));
		me->least = UINT64_MAX, me->most = 0;
		for (unsigned i = 0; i < 3; i++) {
			u64 ns = service_ns(me->tasks[i]);

			me->least = MIN(me->least, ns);
			me->most = MAX(me->most, ns);
		}
		CHECK(me->most - me->least < QUANTUM_NS + QUANTUM_NS / 10);
	}
	CHECK(me->least > 15 * QUANTUM_NS);
	stop = true;
	for (me->i = 0; me->i < 3; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

/*
 * Fair tasks of different weights and quanta compute, and are preempted more often than quanta end.
 * No lag ever leaves (-own quantum, longest quantum): Stoica and Abdel-Wahab 1995, theorem 1; a
 * tenth of a quantum for quanta that end late. All times the total weight, to be integers.
 */
static void check_lags(struct scene *me, unsigned n, const u16 *weights, const u64 *quanta_ns)
{
	u64 ns[TASKS_MAX], total_ns = 0, weight = 0, longest_ns = 0;

	for (unsigned i = 0; i < n; i++) {
		total_ns += ns[i] = service_ns(me->tasks[i]);
		weight += weights[i];
		longest_ns = MAX(longest_ns, quanta_ns[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		i64 lag = (i64)(weights[i] * total_ns) - (i64)(weight * ns[i]);

		CHECK(lag > -(i64)(weight * (quanta_ns[i] + longest_ns / 10)));
		CHECK(lag < (i64)(weight * (longest_ns + longest_ns / 10)));
	}
}

static enum poll fair_serves_by_weight(void *frame)
{
	static const u16 weights[] = {100, 100, 37, 300, 1};
	static const u64 quanta_ns[] = {QUANTUM_NS, US(50), US(120), US(150), US(75)};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	me->random = trace_descriptor.seed;
	stop = false;
	for (me->i = 0; me->i < ARRAY_LEN(weights); me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "computes", computes, (struct async){},
				SCHED_PARAMS_FAIR(weights[me->i], quanta_ns[me->i])));
	for (me->round = 0; me->round < 400; me->round++) {
		AWAIT(me, sleep_for(&me->sleep, US(20) + test_below(&me->random, US(120))));
		check_lags(me, ARRAY_LEN(weights), weights, quanta_ns);
	}
	CHECK(service_ns(me->tasks[3]) > 40 * QUANTUM_NS);
	CHECK(service_ns(me->tasks[4]) > 0);
	stop = true;
	for (me->i = 0; me->i < ARRAY_LEN(weights); me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

/*
 * More tasks than CPUs, of each class that shares, all with the same weight: on several CPUs none
 * starves, and none runs away; how close they stay is not promised.
 */
static enum poll sharing_on_all_cpus(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->round = SCHED_FAIR; me->round <= SCHED_STRIDE; me->round++) {
		if (me->round == SCHED_PANICKED)
			continue;
		stop = false;
		for (me->i = 0; me->i < TASKS_MAX; me->i++)
			MUST(TASK_SPAWN(&me->tasks[me->i], "computes", computes, (struct async){},
					{.class = me->round,
					 .share = me->round == SCHED_MLFQ ? 0 : 50,
					 .quantum_ns = SCHED_QUANTUM_MIN_NS}));
		AWAIT(me, sleep_for(&me->sleep, MS(12)));
		for (me->i = 0; me->i < TASKS_MAX; me->i++)
			CHECK(service_ns(me->tasks[me->i]) > 4 * SCHED_QUANTUM_MIN_NS);
		stop = true;
		for (me->i = 0; me->i < TASKS_MAX; me->i++) {
			AWAIT(me, task_join(&me->join, me->tasks[me->i]));
			task_put(me->tasks[me->i]);
		}
	}
	ASYNC_END(me);
}

/* The panicked class gets what all others leave, and in order of arrival. */
static enum poll panicked_runs_last(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	memset(ended, 0, sizeof ended);
	for (me->i = 0; me->i < 2; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "panicked", fifo,
				((struct fifo){.letter = (char)('a' + me->i)}),
				SCHED_PARAMS_PANICKED));
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	MUST(TASK_SPAWN(&me->tasks[2], "fair", fifo, ((struct fifo){.letter = 'f'}),
			SCHED_PARAMS_FAIR(1, QUANTUM_NS)));
	for (me->i = 0; me->i < 3; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	CHECK_STR(ended, "fab");
	ASYNC_END(me);
}

/* Different levels: the higher one runs alone. */
static enum poll round_robin_levels_are_strict(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	stop = false;
	MUST(TASK_SPAWN(&me->tasks[0], "lower", computes, (struct async){},
			SCHED_PARAMS_RR(5, QUANTUM_NS)));
	MUST(TASK_SPAWN(&me->tasks[1], "higher", computes, (struct async){},
			SCHED_PARAMS_RR(6, QUANTUM_NS)));
	AWAIT(me, sleep_for(&me->sleep, MS(5)));
	CHECK_EQ(service_ns(me->tasks[0]), 0);
	CHECK(service_ns(me->tasks[1]) > MS(4));
	stop = true;
	for (me->i = 0; me->i < 2; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

/* A sleeper is woken in time although a quantum, which is far from its end, has the timer too. */
static enum poll sleepers_are_not_late(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	stop = false;
	MUST(TASK_SPAWN(&me->tasks[0], "computes", computes, (struct async){},
			SCHED_PARAMS_RR(5, MS(1))));
	for (me->round = 0; me->round < 20; me->round++) {
		AWAIT(me, sleep_for(&me->sleep, US(100)));
		CHECK(clock_ns() - me->sleep.until_ns < US(20));
	}
	stop = true;
	AWAIT(me, task_join(&me->join, me->tasks[0]));
	task_put(me->tasks[0]);
	ASYNC_END(me);
}

/* Equals of FIFO end in order of arrival, however often they are preempted. */
static enum poll fifo_equals_run_to_completion(void *frame)
{
	struct scene *me = frame;
	struct task_info info;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	memset(ended, 0, sizeof ended);
	for (me->i = 0; me->i < 4; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "fifo", fifo,
				((struct fifo){.letter = (char)('a' + me->i)}),
				SCHED_PARAMS_FIFO(9)));
	for (me->round = 0; me->round < 40; me->round++)
		AWAIT(me, sleep_for(&me->sleep, US(70)));
	for (me->i = 0; me->i < 4; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_info(me->tasks[me->i], &info);
		CHECK(me->i > 1 || info.preemptions > 10);
		task_put(me->tasks[me->i]);
	}
	CHECK_STR(ended, "abcd");
	ASYNC_END(me);
}

/* A task with the same parameters that comes later does not push a running one aside (ties). */
static enum poll equal_deadlines_in_order_of_arrival(void *frame)
{
	struct scene *me = frame;
	struct task_info info;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	memset(ended, 0, sizeof ended);
	for (me->i = 0; me->i < 2; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "edf", fifo,
				((struct fifo){.letter = (char)('a' + me->i)}),
				SCHED_PARAMS_EDF(MS(50))));
	for (me->i = 0; me->i < 2; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_info(me->tasks[me->i], &info);
		CHECK_EQ(info.preemptions, 0);
		task_put(me->tasks[me->i]);
	}
	CHECK_STR(ended, "ab");
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(edf_up_to_full_utilisation), ASYNC(edf_beyond_it_misses),
	   ASYNC(round_robin_serves_equals_equally), ASYNC(round_robin_levels_are_strict),
	   ASYNC(sleepers_are_not_late), ASYNC(fair_serves_by_weight), ASYNC(sharing_on_all_cpus),
	   ASYNC(panicked_runs_last), ASYNC(fifo_equals_run_to_completion),
	   ASYNC(equal_deadlines_in_order_of_arrival));
