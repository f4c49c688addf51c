/*
 * planted.h: programs with planted bugs, one a run, chosen by bug= on the command line; with the
 * word `right` the same without its bug. Two tasks, the sides, carry a bug out at the same time, on
 * two CPUs. Whatever includes this says PLANTED(...) at its end. By what most of the programs see
 * themselves all is well: test_watch.py runs them under the simulator's checkers.
 */
#pragma once

#include "../unit/test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "async/wait.h"

static bool right;
static _Atomic unsigned started;

/* The frame of a side that waits. */
struct waiting {
	struct async async;
	unsigned side, i;
	struct wait wait;
	struct sleep sleep;
};

/* What two tasks do at the same time, side 0 and side 1. */
struct side {
	struct async async;
	void (*fn)(unsigned side);
	task_fn *poll; /* instead of fn */
	unsigned side;
	struct waiting waiting;
};

static enum poll side_run(void *frame)
{
	struct side *me = frame;

	ASYNC_BEGIN(me);
	/* Both at a time, on two CPUs. relaxed: to order nothing */
	atomic_fetch_add_explicit(&started, 1, memory_order_relaxed);
	while (atomic_load_explicit(&started, memory_order_relaxed) < 2)
		arch_relax();
	if (me->fn) {
		me->fn(me->side);
	} else {
		me->waiting.side = me->side;
		AWAIT_CALL(me, me->poll, &me->waiting);
	}
	ASYNC_END(me);
}

struct bug {
	const char *name;
	void (*fn)(unsigned side);
	task_fn *poll;
};
extern const struct bug bugs[];
extern const unsigned bug_count;
extern void (*const planted_prepare)(void); /* before both begin; NULL: nothing to do */

#define PLANTED(prepare_fn, ...)                                                                   \
	void (*const planted_prepare)(void) = prepare_fn;                                          \
	const struct bug bugs[] = {__VA_ARGS__};                                                   \
	const unsigned bug_count = ARRAY_LEN(bugs);                                                \
	TESTS_MAIN(ASYNC(planted))
#define BUG(function)                                                                              \
	{                                                                                          \
		.name = #function, .fn = function                                                  \
	}
#define WAITING_BUG(function)                                                                      \
	{                                                                                          \
		.name = #function, .poll = function                                                \
	}

struct both {
	struct async async;
	struct task *tasks[2];
	struct join join;
	const struct bug *bug;
	unsigned i;
};

static struct task *side_spawn(const struct bug *bug, unsigned side)
{
	struct side frame = {.fn = bug->fn, .poll = bug->poll, .side = side};
	struct task *t;
	int err = TASK_SPAWN(&t, "side", side_run, frame, SCHED_PARAMS_FIFO(16));

	if (err)
		panic("cannot spawn: %s", err_name(err));
	return t;
}

static const struct bug *chosen(void)
{
	char name[32];

	right = words_find(board_cmdline(), "right", NULL, 0);
	if (words_find(board_cmdline(), "bug", name, sizeof name))
		for (unsigned i = 0; i < bug_count; i++)
			if (!strcmp(bugs[i].name, name))
				return &bugs[i];
	panic("bug=NAME: expected the name of a planted bug");
}

static enum poll planted(void *frame)
{
	struct both *me = frame;

	ASYNC_BEGIN(me);
	me->bug = chosen();
	if (planted_prepare)
		planted_prepare();
	for (me->i = 0; me->i < 2; me->i++)
		me->tasks[me->i] = side_spawn(me->bug, me->i);
	for (me->i = 0; me->i < 2; me->i++)
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
	ASYNC_END(me);
}
