/*
 * The handle that task_spawn gives is the spawner's from its first instant on: a task that is killed
 * at any point of spawning, joining and giving back leaves nothing, nor gives back what is another's.
 * cpus: 1 2
 * seeds: 2
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "task/fault.h"

struct spawner {
	struct async async;
	struct task *first, *second;
	struct join join;
};

static volatile bool spawning;

static enum poll child(void *frame)
{
	(void)frame;
	return POLL_READY;
}

/* The first one's handle is newer than the second's when it is given back, and older in between. */
static enum poll spawns(void *frame)
{
	struct spawner *me = frame;

	ASYNC_BEGIN(me);
	spawning = true;
	MUST(TASK_SPAWN(&me->first, "first", child, (struct async){}, SCHED_PARAMS_FIFO(12)));
	MUST(TASK_SPAWN(&me->second, "second", child, (struct async){}, SCHED_PARAMS_FIFO(4)));
	AWAIT(me, task_join(&me->join, me->second));
	task_put(me->first);
	task_put(me->second);
	spawning = false;
	ASYNC_END(me);
}

struct sweep {
	struct async async;
	struct task *victim;
	struct join join;
	struct sleep sleep;
	u64 length_ns, after_ns, blocks;
	unsigned killed, ended;
};

static void begin(struct sweep *me)
{
	me->blocks = kmalloc_stats().blocks;
	MUST(TASK_SPAWN(&me->victim, "spawner", spawns, (struct spawner){}, SCHED_PARAMS_FIFO(8)));
}

/* The runner is more urgent than all: the interrupt that ends its sleep strikes at each point. */
static enum poll killed_at_every_point(void *frame)
{
	struct sweep *me = frame;

	ASYNC_BEGIN(me);
	fault_containment = true;
	begin(me);
	me->length_ns = clock_ns();
	AWAIT(me, task_join(&me->join, me->victim));
	me->length_ns = clock_ns() - me->length_ns;
	task_put(me->victim);
	for (; me->after_ns < me->length_ns || !me->ended; me->after_ns++) {
		begin(me);
		AWAIT(me, sleep_for(&me->sleep, me->after_ns));
		test_kill(me->victim);
		AWAIT(me, task_join(&me->join, me->victim));
		CHECK(!me->join.status || me->join.status == ERR_KILLED);
		me->killed += me->join.status == ERR_KILLED && spawning;
		me->ended += !me->join.status;
		task_put(me->victim);
		while (task_count() > 1)
			AWAIT(me, sleep_for(&me->sleep, US(1)));
		AWAIT(me, sleep_for(&me->sleep, US(20))); /* the executor's last references */
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
		spawning = false;
	}
	CHECK(me->killed > 10);
	ASYNC_END(me);
}

static struct task *left;

static enum poll leaves(void *frame)
{
	struct spawner *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&left, "first", child, (struct async){}, SCHED_PARAMS_FIFO(4)));
	task_hand_on(left);
	panic("its own");
	ASYNC_END(me);
}

static enum poll returns(void *frame)
{
	struct spawner *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&left, "first", child, (struct async){}, SCHED_PARAMS_FIFO(4)));
	ASYNC_END(me);
}

/* What was handed on outlives who spawned it, however that one ends. */
static enum poll handed_on(void *frame)
{
	static task_fn *const fns[] = {leaves, returns};
	struct sweep *me = frame;

	ASYNC_BEGIN(me);
	fault_containment = true;
	for (me->killed = 0; me->killed < ARRAY_LEN(fns); me->killed++) {
		me->blocks = kmalloc_stats().blocks;
		MUST(TASK_SPAWN(&me->victim, "spawner", fns[me->killed], (struct spawner){},
				SCHED_PARAMS_FIFO(8)));
		AWAIT(me, task_join(&me->join, me->victim));
		task_put(me->victim);
		AWAIT(me, task_join(&me->join, left));
		AWAIT(me, sleep_for(&me->sleep, US(20)));
		CHECK_EQ(kmalloc_stats().blocks, me->blocks + 1);
		task_put(left);
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(killed_at_every_point), ASYNC(handed_on));
