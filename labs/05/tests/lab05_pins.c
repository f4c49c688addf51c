/* Three tasks are woken by a fourth, now and then in the middle of a poll: the pins ask whom it
 * struck. */
#include "lab05.h"
#include "services/burn.h"

#define TASKS  3u
#define ROUNDS 9u

static struct task *_Atomic tasks[TASKS];
static _Atomic bool stop;

struct works {
	struct async async;
};

static enum poll works(void *frame)
{
	(void)frame;
	if (atomic_load_explicit(&stop, memory_order_acquire))
		return POLL_READY;
	burn_ns(US(100));
	return POLL_PENDING;
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	u64 random;
	unsigned i, struck, busy;
};

static void wake(unsigned number)
{
	task_wake(atomic_load_explicit(&tasks[number], memory_order_acquire));
}

/* All on CPU 0, so that at each wake-up it is known who computes. */
static enum poll somebody_is_struck(void *frame)
{
	static const char *const names[TASKS] = {"anna", "bert", "cleo"};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	me->struck = (unsigned)test_below(&me->random, TASKS);
	me->busy = (unsigned)test_below(&me->random, TASKS);
	for (me->i = 0; me->i < TASKS; me->i++) {
		struct sched_params params = SCHED_PARAMS_FIFO(8);
		struct task *t;

		params.cpus = 1;
		MUST(TASK_SPAWN(&t, names[me->i], works, (struct works){}, params));
		atomic_store_explicit(&tasks[me->i], t, memory_order_release);
		AWAIT(me, sleep_for(&me->sleep, US(300)));
	}
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		wake(me->i < 3 ? me->i : me->busy);
		AWAIT(me, sleep_for(&me->sleep, US(300)));
	}
	wake(me->struck);
	AWAIT(me, sleep_for(&me->sleep, US(50)));
	wake(me->struck); /* in the middle of its poll */
	AWAIT(me, sleep_for(&me->sleep, US(600)));
	atomic_store_explicit(&stop, true, memory_order_release);
	for (me->i = 0; me->i < TASKS; me->i++) {
		wake(me->i);
		AWAIT(me, task_join(&me->join, tasks[me->i]));
		task_put(tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(somebody_is_struck));
