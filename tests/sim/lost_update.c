/* A planted bug: two tasks add to a counter in two steps. It shows when one CPU is held up between
 * its steps for as long as the other one needs. */
#include "async/join.h"
#include "../unit/test.h"

#define ROUNDS 3

static _Atomic unsigned counter;

struct adder {
	struct async async;
	unsigned i;
};

static enum poll adder(void *frame)
{
	struct adder *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		unsigned n = atomic_load_explicit(&counter, memory_order_relaxed);

		atomic_store_explicit(&counter, n + 1, memory_order_relaxed);
	}
	ASYNC_END(me);
}

struct both {
	struct async async;
	struct task *adders[2];
	struct join join;
	unsigned i;
};

static enum poll adds_are_kept(void *frame)
{
	struct both *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 2; me->i++)
		MUST(TASK_SPAWN(&me->adders[me->i], "adder", adder, (struct adder){}, SCHED_PARAMS_FIFO(16)));
	for (me->i = 0; me->i < 2; me->i++)
		AWAIT(me, task_join(&me->join, me->adders[me->i]));
	CHECK_EQ(atomic_load_explicit(&counter, memory_order_relaxed), 2 * ROUNDS);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(adds_are_kept));
