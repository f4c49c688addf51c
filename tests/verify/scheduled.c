/*
 * What the scheduler's model knows, at random: tasks of the classes with levels and deadlines, some
 * of them for some CPUs only, that compute, sleep, yield, wake each other, spawn, join and fault,
 * while CPUs leave and come back. Its traces are given to verify/spin/accept.c.
 *
 * The set is the simulator's seed. `words` on the command line: `one-class=N` for one class only,
 * `plug=1` for CPUs that leave.
 */
#include "../unit/test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "services/burn.h"
#include "task/fault.h"
#include "task/hotplug.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define TASKS_MAX 5u

static struct task *_Atomic others[TASKS_MAX];
static bool plugs;
static u64 one_class;

struct actor {
	struct async async;
	u64 random;
	unsigned steps, cpu;
	struct sleep sleep;
	struct yield yield;
	struct join join;
	struct task *child;
};

static struct sched_params random_params(u64 *r)
{
	struct sched_params p;

	switch (one_class < 4 ? one_class : test_below(r, 4)) {
	case 0:
		p = SCHED_PARAMS_FIFO((u8)(8 + test_below(r, 3)));
		break;
	case 1:
		p = SCHED_PARAMS_RR((u8)test_below(r, 2),
				    SCHED_QUANTUM_MIN_NS + test_below(r, US(30)));
		break;
	case 2:
		p = SCHED_PARAMS_EDF(US(20) + test_below(r, 3) * US(20));
		break;
	default:
		p = SCHED_PARAMS_CEDF(1 + test_below(r, (1u << cpu_count) - 1),
				      US(20) + test_below(r, US(80)));
		break;
	}
	if (!plugs && !p.cpus && test_below(r, 4) == 0)
		p.cpus = 1 + test_below(r, (1u << cpu_count) - 1);
	if (plugs && p.class == SCHED_CEDF)
		p.cpus = SCHED_CPUS_ALL;
	return p;
}

static enum poll child(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	burn_ns(test_below(&me->random, US(20)));
	if (test_below(&me->random, 4) == 0)
		panic("a task that is meant to fault");
	AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(30))));
	ASYNC_END(me);
}

static void wake_somebody(struct actor *me)
{
	/* acquire: pairs with the release in scheduled; it holds a reference to each */
	struct task *t = atomic_load_explicit(&others[test_below(&me->random, TASKS_MAX)],
					      memory_order_acquire);

	if (t)
		task_wake(t);
}

static enum poll actor(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	while (me->steps--) {
		switch (test_below(&me->random, plugs ? 8 : 7)) {
		case 0:
			burn_ns(test_below(&me->random, US(40)));
			break;
		case 1:
			burn_ns(test_below(&me->random, US(150)));
			break; /* beyond a quantum */
		case 2:
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(60))));
			break;
		case 3:
			AWAIT(me, yield_now(&me->yield));
			break;
		case 4:
			wake_somebody(me);
			break;
		case 5:
			preempt_disable();
			burn_ns(test_below(&me->random, US(10)));
			wake_somebody(me);
			preempt_enable();
			break;
		case 6:
			MUST(TASK_SPAWN(&me->child, "child", child,
					((struct actor){.random = test_random(&me->random)}),
					random_params(&me->random)));
			AWAIT(me, task_join(&me->join, me->child));
			task_put(me->child);
			break;
		case 7:
			me->cpu = (unsigned)test_below(&me->random, cpu_count);
			if (cpu_take_out(me->cpu, NULL) == ERR_INVAL)
				CHECK(cpu_put_back(me->cpu) != ERR_NODEV);
			break;
		}
	}
	ASYNC_END(me);
}

struct director {
	struct async async;
	struct join join;
	u64 random;
	unsigned i, tasks;
};

static enum poll scheduled(void *frame)
{
	struct director *me = frame;

	ASYNC_BEGIN(me);
	test_contain_faults();
	me->random = trace_descriptor.seed;
	plugs = test_number(board_cmdline(), "plug", 0);
	one_class = test_number(board_cmdline(), "one-class", 9);
	me->tasks = 3 + (unsigned)test_below(&me->random, TASKS_MAX - 2);
	for (me->i = 0; me->i < me->tasks; me->i++) {
		struct task *t;

		MUST(TASK_SPAWN(&t, "actor", actor,
				((struct actor){.random = test_random(&me->random),
						.steps = 2 + (unsigned)test_below(&me->random, 7)}),
				random_params(&me->random)));
		/* release: pairs with the acquire in wake_somebody */
		atomic_store_explicit(&others[me->i], t, memory_order_release);
	}
	for (me->i = 0; me->i < me->tasks; me->i++) {
		AWAIT(me, task_join(&me->join, others[me->i]));
		CHECK_EQ(me->join.status, 0);
	}
	for (me->i = 0; me->i < me->tasks; me->i++)
		task_put(others[me->i]);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(scheduled));
