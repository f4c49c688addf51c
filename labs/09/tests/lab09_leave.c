/* Who may not go on leaves its CPU in the middle of its poll, also when nobody else wants it. */
#include "../../common/program.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"

#define PERIODS 8u

static _Atomic bool stop;
static u64 until_ns; /* also then: so that a wrong kernel comes to the end, and is told what is
			wrong */
static _Atomic u64 seen_on[2]; /* how often the loop has looked, by CPU */

static enum poll loops(void *frame)
{
	(void)frame;
	while (!atomic_load_explicit(&stop, memory_order_acquire) && clock_ns() < until_ns) {
		preempt_disable();
		if (cpu_id() < 2)
			atomic_fetch_add_explicit(&seen_on[cpu_id()], 1, memory_order_relaxed);
		preempt_enable();
	}
	return POLL_READY;
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct task *task;
	struct task_info info;
	struct sched_params params;
	u64 before;
};

static enum poll end(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	atomic_store_explicit(&stop, true, memory_order_release);
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	ASYNC_END(me);
}

struct outer {
	struct async async;
	struct scene scene;
	struct sleep sleep;
};

static enum poll a_used_up_budget_ends_the_turn(void *frame)
{
	struct outer *me = frame;

	ASYNC_BEGIN(me);
	until_ns = clock_ns() + 3 * PERIODS * US(500);
	atomic_store_explicit(&stop, false, memory_order_release);
	MUST(TASK_SPAWN(&me->scene.task, "greedy", loops, (struct async){},
			((struct sched_params){.class = SCHED_EDF,
					       .deadline_ns = US(500),
					       .hard = true,
					       .budget_ns = US(100),
					       .period_ns = US(500)})));
	AWAIT(me, sleep_for(&me->sleep, PERIODS * US(500)));
	task_info(me->scene.task, &me->scene.info);
	EXPECT(me->scene.info.cpu_ns <= (PERIODS + 2) * US(100),
	       "a loop may have 100 of each 500 us, and had %llu us in %u of them: its budget was "
	       "used up, and it went on",
	       (unsigned long long)me->scene.info.cpu_ns / 1000, PERIODS);
	EXPECT(me->scene.info.cpu_ns >= (PERIODS - 2) * US(100),
	       "a loop should have 100 of each 500 us, and had %llu us in %u of them",
	       (unsigned long long)me->scene.info.cpu_ns / 1000, PERIODS);
	AWAIT_CALL(me, end, &me->scene);
	ASYNC_END(me);
}

static enum poll who_is_moved_leaves_its_cpu(void *frame)
{
	struct outer *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count < 2)
		return POLL_READY;
	until_ns = clock_ns() + 3 * PERIODS * US(500);
	atomic_store_explicit(&stop, false, memory_order_release);
	me->scene.params = SCHED_PARAMS_FIFO(4);
	me->scene.params.cpus = 2;
	MUST(TASK_SPAWN(&me->scene.task, "moved", loops, (struct async){}, me->scene.params));
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	me->scene.params.cpus = 1;
	MUST(task_set_params(me->scene.task, &me->scene.params));
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	me->scene.before = atomic_load_explicit(&seen_on[1], memory_order_relaxed);
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	EXPECT(atomic_load_explicit(&seen_on[1], memory_order_relaxed) == me->scene.before,
	       "a loop on CPU 1 was told to run on CPU 0 only; 100 us later it is still there: who "
	       "may "
	       "not go on leaves, whoever else is there");
	AWAIT_CALL(me, end, &me->scene);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(a_used_up_budget_ends_the_turn), ASYNC(who_is_moved_leaves_its_cpu));
