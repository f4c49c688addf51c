/*
 * For the exploration of schedules: two tasks add to a counter in two steps, or, with `right` on the
 * command line, in one.
 */
#include "async/join.h"
#include "base/words.h"
#include "board/board.h"
#include "../unit/test.h"

static _Atomic unsigned counter;
static bool right;

static enum poll adder(void *frame)
{
	unsigned n;

	(void)frame;
	if (right) {
		atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
		return POLL_READY;
	}
	n = atomic_load_explicit(&counter, memory_order_relaxed);
	atomic_store_explicit(&counter, n + 1, memory_order_relaxed);
	return POLL_READY;
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
	char text[4];

	ASYNC_BEGIN(me);
	right = words_find(board_cmdline(), "right", text, sizeof text);
	for (me->i = 0; me->i < 2; me->i++)
		MUST(TASK_SPAWN(&me->adders[me->i], "adder", adder, (struct both){}, SCHED_PARAMS_FIFO(16)));
	for (me->i = 0; me->i < 2; me->i++)
		AWAIT(me, task_join(&me->join, me->adders[me->i]));
	CHECK_EQ(atomic_load_explicit(&counter, memory_order_relaxed), 2);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(adds_are_kept));
