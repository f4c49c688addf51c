/* Tasks that are preempted in the middle of a computation, whose result tells whether all was kept.
 */
#include "../../common/program.h"
#include "async/join.h"
#include "async/sleep.h"

#define TASKS  6u
#define ROUNDS 6u
#define STEPS  600u

static _Atomic unsigned wrong, done;

/* The same numbers each time, through registers and the stack. */
static u64 __attribute__((noinline)) compute(u64 seed)
{
	u64 row[16];

	for (unsigned i = 0; i < ARRAY_LEN(row); i++)
		row[i] = seed * (2 * i + 1);
	for (unsigned step = 0; step < STEPS; step++) {
		u64 *cell = &row[step % ARRAY_LEN(row)];

		seed = seed * 6364136223846793005ull + 1442695040888963407ull + *cell;
		*cell ^= seed >> 17;
	}
	return seed;
}

struct computes {
	struct async async;
	struct sleep sleep;
	u64 seed, random;
	unsigned i;
};

static enum poll computes(void *frame)
{
	struct computes *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		u64 first = compute(me->seed), second = compute(me->seed);

		/* relaxed: read after the task was joined */
		atomic_fetch_add_explicit(&wrong, first != second, memory_order_relaxed);
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(60))));
	}
	/* relaxed, as above */
	atomic_fetch_add_explicit(&done, 1, memory_order_relaxed);
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct join join;
	struct task *tasks[TASKS];
	u64 random;
	unsigned i;
};

static enum poll what_is_preempted_goes_on(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = test_number(board_cmdline(), "set", trace_descriptor.seed);
	for (me->i = 0; me->i < TASKS; me->i++) {
		struct sched_params params = SCHED_PARAMS_FIFO((u8)(20 + me->i));

		if (test_below(&me->random, 2))
			params = SCHED_PARAMS_RR(20, US(50));
		MUST(TASK_SPAWN(
			&me->tasks[me->i], "computes", computes,
			((struct computes){.seed = me->i + 1, .random = me->random + me->i}),
			params));
	}
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	EXPECT(!wrong,
	       "%u of %u computations gave another result after a preemption: registers or the "
	       "stack of a suspended task were changed",
	       wrong, TASKS * ROUNDS);
	EXPECT(done == TASKS, "of %u tasks %u came to their end", TASKS, done);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(what_is_preempted_goes_on));
