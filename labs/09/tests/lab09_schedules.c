/* A wake-up from another CPU comes while preemption is off, is being put on again, or is on: at
 * whichever access, the urgent task runs as soon as it may.
 */
#include "../../common/program.h"
#include "async/join.h"

#define LOOKS 50u

static _Atomic unsigned there;
static _Atomic bool urgent_ran;
static struct task *urgent_task;

static void await_both(void)
{
	atomic_fetch_add_explicit(&there, 1, memory_order_release);
	while (atomic_load_explicit(&there, memory_order_acquire) < 2)
		arch_relax();
}

static bool ran(void)
{
	return atomic_load_explicit(&urgent_ran, memory_order_acquire);
}

static enum poll urgent(void *frame)
{
	(void)frame;
	if (atomic_load_explicit(&there, memory_order_relaxed) < 2)
		return POLL_PENDING;
	atomic_store_explicit(&urgent_ran, true, memory_order_release);
	return POLL_READY;
}

/* It loops until the urgent task has run, which therefore must take its CPU from it. */
static enum poll holds(void *frame)
{
	bool early;

	(void)frame;
	await_both();
	explored_from_here();
	preempt_disable();
	early = ran();
	EXPECT(ran() == early, "preemption was off, and a more urgent task took the CPU");
	preempt_enable();
	for (unsigned i = 0; i < LOOKS && !ran(); i++)
		arch_relax();
	explored_to_here();
	EXPECT(ran(),
	       "preemption is on again, but the more urgent task that another CPU woke meanwhile "
	       "does not run: nobody looked at its hint");
	return POLL_READY;
}

struct scene {
	struct async async;
	struct join join;
	struct task *task;
};

static struct sched_params on_cpu_1(struct sched_params params)
{
	params.cpus = 2;
	return params;
}

static enum poll a_hint_comes_at_any_time(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&urgent_task, "urgent", urgent, (struct scene){},
			on_cpu_1(SCHED_PARAMS_FIFO(28))));
	MUST(TASK_SPAWN(&me->task, "holds", holds, (struct scene){},
			on_cpu_1(SCHED_PARAMS_FIFO(8))));
	await_both();
	task_wake(urgent_task);
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	AWAIT(me, task_join(&me->join, urgent_task));
	task_put(urgent_task);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(a_hint_comes_at_any_time));
