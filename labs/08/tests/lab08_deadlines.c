/* EDF on the kernel: what theorem 7 of Liu and Layland promises, and that a server keeps its word.
 */
#include "../../../tests/unit/sched/periodic.h"
#include "lab08.h"

#define TASKS_MAX 6u
#define RUN_NS    MS(10)

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	u64 random, misses, jobs;
	unsigned i, n;
	struct task *tasks[TASKS_MAX + 1];
};

/* Periods of 0.3 to 2 ms, shares of the CPU that add up to @p percent. */
static void spawn_set(struct scene *me, unsigned percent)
{
	u64 weight[TASKS_MAX], total = 0, begin_ns = clock_ns() + MS(1);

	me->random = set_number();
	me->n = 2 + (unsigned)test_below(&me->random, TASKS_MAX - 1);
	for (unsigned i = 0; i < me->n; i++)
		total += weight[i] = 1 + test_below(&me->random, 10);
	for (unsigned i = 0; i < me->n; i++) {
		u64 period_ns = US(300) + test_below(&me->random, US(1700));
		u64 work_ns = period_ns * percent * weight[i] / total / 100;
		struct periodic frame = {.period_ns = period_ns,
					 .work_ns = work_ns,
					 .next_ns = begin_ns,
					 .stop_ns = begin_ns + RUN_NS};
		struct sched_params p = SCHED_PARAMS_EDF(period_ns);

		p.cpus = 1;
		MUST(TASK_SPAWN(&me->tasks[i], "periodic", periodic, frame, p));
	}
}

static enum poll join_set(struct scene *me)
{
	struct task_info info;

	ASYNC_BEGIN(me);
	me->misses = me->jobs = 0;
	for (me->i = 0; me->i < me->n; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_info(me->tasks[me->i], &info);
		me->misses += info.misses;
		me->jobs += info.job;
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

struct round {
	struct async async;
	struct scene scene;
	struct task *greedy;
	struct join join;
};

static enum poll nothing_is_missed_up_to_full_utilisation(void *frame)
{
	struct round *me = frame;

	ASYNC_BEGIN(me);
	spawn_set(&me->scene, 90); /* and the kernel's own work */
	AWAIT_CALL(me, join_set, &me->scene);
	EXPECT(!me->scene.misses,
	       "EDF on one CPU: %llu of %llu jobs missed their deadline, although all of them "
	       "together need 90%% of the CPU. By Liu and Layland none does up to 100%%",
	       (unsigned long long)me->scene.misses, (unsigned long long)me->scene.jobs);
	ASYNC_END(me);
}

static enum poll beyond_it_something_is(void *frame)
{
	struct round *me = frame;

	ASYNC_BEGIN(me);
	spawn_set(&me->scene, 125);
	AWAIT_CALL(me, join_set, &me->scene);
	EXPECT(me->scene.misses,
	       "tasks that need 125%% of a CPU met all their deadlines: are deadlines counted?");
	ASYNC_END(me);
}

/* One says that it needs a fifth of the CPU and computes without end; its server holds it to that.
 */
static enum poll a_server_protects_the_others(void *frame)
{
	struct round *me = frame;

	ASYNC_BEGIN(me);
	spawn_set(&me->scene, 70);
	{
		struct sched_params p = SCHED_PARAMS_EDF(MS(2));

		p.cpus = 1;
		p.budget_ns = US(400);
		p.period_ns = MS(2);
		p.hard = test_below(&me->scene.random, 2) == 0;
		MUST(burn_spawn("greedy", p, MS(6), &me->greedy));
	}
	AWAIT_CALL(me, join_set, &me->scene);
	EXPECT(!me->scene.misses,
	       "a task with a server of 20%% computes for much longer, and %llu jobs of the "
	       "others, who need 70%%, missed their deadlines: the server did not hold it back",
	       (unsigned long long)me->scene.misses);
	AWAIT(me, task_join(&me->join, me->greedy));
	task_put(me->greedy);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(nothing_is_missed_up_to_full_utilisation), ASYNC(beyond_it_something_is),
	   ASYNC(a_server_protects_the_others));
