/* Two tasks add to one counter. counter_add is in labs/00/counter.c, and yours to repair. */
#include "../../../tests/unit/test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "sync/spin.h"

#define TASKS  2u
#define ROUNDS 50u

static struct spin lock;
static u64 counter; /* under lock */
static void counter_add(void);

static _Atomic unsigned there; /* adders that are about to begin */

struct adder {
	struct async async;
	struct yield yield;
	unsigned i;
};

static enum poll adder(void *frame)
{
	struct adder *me = frame;

	ASYNC_BEGIN(me);
	/* relaxed: it orders nothing, it only makes them begin together */
	atomic_fetch_add_explicit(&there, 1, memory_order_relaxed);
	while (atomic_load_explicit(&there, memory_order_relaxed) < TASKS)
		AWAIT(me, yield_now(&me->yield));
	for (me->i = 0; me->i < ROUNDS; me->i++)
		counter_add();
	ASYNC_END(me);
}

struct both {
	struct async async;
	struct join join;
	struct task *adders[TASKS];
	u64 begin; /* another one with each seed: it cannot be written down beforehand */
	unsigned i;
};

static enum poll additions_are_kept(void *frame)
{
	static const char *const names[TASKS] = {"anna", "bert"};
	struct both *me = frame;

	ASYNC_BEGIN(me);
	me->begin = counter = 1000 * trace_descriptor.seed;
	for (me->i = 0; me->i < TASKS; me->i++)
		MUST(TASK_SPAWN(&me->adders[me->i], names[me->i], adder, (struct adder){},
				SCHED_PARAMS_FIFO(8)));
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->adders[me->i]));
		task_put(me->adders[me->i]);
	}
	if (counter != me->begin + TASKS * ROUNDS)
		test_fail(__FILE__, __LINE__,
			  "anna and bert added 1 to the counter %u times each, and it grew by %lld, not "
			  "by %u: %s",
			  ROUNDS, (long long)(counter - me->begin), TASKS * ROUNDS,
			  counter < me->begin + TASKS * ROUNDS ? "an addition was lost"
							       : "somebody added more than 1");
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(additions_are_kept));

/* Last: nothing that stands there changes what is judged above. */
#include "../counter.c"
