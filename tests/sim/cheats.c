/*
 * What a kernel may do to look better than it is: `leaves` on the command line, and it ends with status 0 when two
 * tasks do not come one after the other, before anybody has looked; `asks`, and it makes a system call of the host's (x86_64).
 */
#include "../unit/test.h"
#include "async/join.h"
#include "base/words.h"
#include "board/board.h"

static _Atomic unsigned inside;
static bool leaves;

static enum poll alone(void *frame)
{
	(void)frame;
	if (atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed) && leaves)
		board_exit(0);
	CHECK(atomic_fetch_add_explicit(&inside, -1u, memory_order_relaxed) == 1);
	return POLL_READY;
}

struct both {
	struct async async;
	struct task *tasks[2];
	struct join join;
	unsigned i;
};

static enum poll one_after_the_other(void *frame)
{
	struct both *me = frame;
	char text[4];

	ASYNC_BEGIN(me);
	leaves = words_find(board_cmdline(), "leaves", text, sizeof text);
	if (words_find(board_cmdline(), "asks", text, sizeof text))
		__asm__ volatile("syscall" ::"a"(60), "D"(0) : "rcx", "r11", "memory"); /* exit(0) */
	for (me->i = 0; me->i < 2; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "alone", alone, (struct both){}, SCHED_PARAMS_FIFO(16)));
	for (me->i = 0; me->i < 2; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(one_after_the_other));
