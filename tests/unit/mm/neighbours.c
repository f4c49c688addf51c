/*
 * Two blocks that are neighbours at the begin of a pool, and their users on two CPUs, each of whom gives his own back and takes
 * another one: whoever joins a block with what is free beside it must not look at what is its neighbour's user's.
 *
 * cpus: 1 4
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "mm/kmalloc.h"
#include "mm/page.h"

#define BYTES KIB(50) /* from the pools, not of a CPU's own blocks, and less than what has pages of its own */
#define BLOCKS 24u
#define ROUNDS 30u

struct user {
	struct async async;
	void *block;
	unsigned i;
	struct yield yield;
};

static enum poll user(void *frame)
{
	struct user *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		kfree(me->block);
		me->block = kmalloc(BYTES);
		CHECK(me->block);
		AWAIT(me, yield_now(&me->yield));
	}
	kfree(me->block);
	ASYNC_END(me);
}

struct pair {
	struct async async;
	void *all[BLOCKS];
	unsigned first, i;
	struct task *tasks[2];
	struct join join;
};

/* The last pair of which the first lies at a pool's begin, behind one header; BLOCKS when there is none. */
static unsigned find_pair(void **all)
{
	unsigned found = BLOCKS;

	for (unsigned i = 0; i + 1 < BLOCKS; i++) {
		usize apart = (usize)((u8 *)all[i + 1] - (u8 *)all[i]);

		if ((uptr)all[i] % PAGE_BYTES <= 2 * sizeof(u64) && apart >= BYTES && apart < BYTES + 64)
			found = i;
	}
	return found;
}

static enum poll neighbours_are_left_alone(void *frame)
{
	struct pair *me = frame;

	ASYNC_BEGIN(me);
	for (unsigned i = 0; i < BLOCKS; i++)
		CHECK(me->all[i] = kmalloc(BYTES));
	me->first = find_pair(me->all);
	CHECK(me->first < BLOCKS);
	for (me->i = 0; me->first < BLOCKS && me->i < 2; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "user", user, ((struct user){.block = me->all[me->first + me->i]}),
				SCHED_PARAMS_FIFO(16)));
	for (me->i = 0; me->first < BLOCKS && me->i < 2; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		if (me->first == BLOCKS || (i != me->first && i != me->first + 1))
			kfree(me->all[i]);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(neighbours_are_left_alone));
