/* All CPUs run when the first task does, and each takes tasks. */
#include "../../common/program.h"
#include "async/join.h"

static void they_are_all_there(void)
{
	EXPECT(cpu_count == board_cpus(), "the board has %u CPUs, and %u are in use", board_cpus(),
	       cpu_count);
	for (unsigned i = 0; i < cpu_count; i++)
		EXPECT(cpu_online(i),
		       "the first task runs, and CPU %u is not online: its start was not waited "
		       "for",
		       i);
}

struct where {
	struct async async;
	unsigned right;
};

static enum poll where(void *frame)
{
	struct where *me = frame;
	unsigned here = cpu_id();

	EXPECT(here == me->right, "a task that may run only on CPU %u runs on CPU %u", me->right,
	       here);
	return POLL_READY;
}

struct scene {
	struct async async;
	struct join join;
	struct task *task;
	unsigned i;
};

static enum poll each_runs_tasks(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < cpu_count; me->i++) {
		struct sched_params params = SCHED_PARAMS_FIFO(18);

		params.cpus = 1ull << me->i;
		MUST(TASK_SPAWN(&me->task, "where", where, ((struct where){.right = me->i}),
				params));
		AWAIT(me, task_join(&me->join, me->task));
		task_put(me->task);
	}
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(they_are_all_there), ASYNC(each_runs_tasks));
