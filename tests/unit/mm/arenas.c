/*
 * Tasks' memory: charged to the task that asked, wherever it runs and whoever preempts it; limited;
 * released with the task; and never out of what the kernel keeps for itself.
 * cpus: 1 4
 * seeds: 4
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "mm/arena.h"
#include "mm/block.h"
#include "mm/page.h"
#include "task/memory.h"

#define OVERHEAD_BYTES 32u /* of each block: its header, and its links in the arena */

static u64 gross(usize bytes)
{
	return ALIGN_UP(bytes, (usize)16) + OVERHEAD_BYTES;
}

/* What the task that runs has taken: the sum over its blocks, a unit more where a block could not
 * be split. */
static bool charged(u64 sum, unsigned blocks)
{
	u64 bytes = arena_bytes(arena_current());

	return bytes >= sum && bytes <= sum + 16 * blocks;
}

/* Every way to use a little memory up to a limit, beside a sum. */
struct limited {
	struct async async;
	u64 limit;
};

static enum poll limited(void *frame)
{
	struct limited *me = frame;
	u8 *p, *q;

	ASYNC_BEGIN(me);
	CHECK_EQ(arena_bytes(arena_current()), 0);
	/* Exactly the limit, and a byte more than it. */
	CHECK(task_alloc(me->limit - OVERHEAD_BYTES + 1) == NULL);
	CHECK_EQ(arena_bytes(arena_current()), 0);
	p = task_alloc(me->limit - OVERHEAD_BYTES);
	CHECK(p != NULL && (uptr)p % 16 == 0);
	CHECK_EQ(arena_bytes(arena_current()), me->limit);
	CHECK(task_alloc(0) == NULL);
	memset(p, 0xff, me->limit - OVERHEAD_BYTES);
	task_free(p);
	CHECK_EQ(arena_bytes(arena_current()), 0);
	/* In two parts, the second a unit too large, then not. */
	p = task_alloc(100);
	CHECK(p && charged(gross(100), 1));
	q = task_zalloc(me->limit - arena_bytes(arena_current()) - OVERHEAD_BYTES + 1);
	CHECK(q == NULL);
	q = task_zalloc(me->limit - arena_bytes(arena_current()) - OVERHEAD_BYTES);
	ASSERT(q);
	for (usize i = 0; i < 100; i++)
		CHECK(!q[i]);
	CHECK_EQ(arena_bytes(arena_current()), me->limit);
	task_free(p);
	task_free(NULL);
	CHECK(task_alloc(~(usize)0) == NULL);
	CHECK(task_alloc(KMALLOC_MAX_BYTES + 1) == NULL);
	CHECK(task_alloc(100) != NULL);
	/* What it still has is released when it ends. */
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct task *tasks[8];
	struct join join;
	struct sleep sleep;
	unsigned i, seed;
};

static struct kmalloc_stats before;

static enum poll a_limit_is_exact_and_the_end_releases_all(void *frame)
{
	static const u64 limits[] = {1024, 4096, 100000};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	before = heap_stats(HEAP_TASKS);
	for (me->i = 0; me->i < ARRAY_LEN(limits); me->i++) {
		/* Rounded down to units. */
		struct limited f = {.limit = limits[me->i] / 16 * 16};

		MUST(task_spawn(&(struct task_spec){.name = "limited",
						    .fn = limited,
						    .frame = &f,
						    .frame_bytes = sizeof f,
						    .params = SCHED_PARAMS_FIFO(8),
						    .mem_max_bytes = limits[me->i]},
				&me->tasks[0]));
		AWAIT(me, task_join(&me->join, me->tasks[0]));
		task_put(me->tasks[0]);
		CHECK_EQ(heap_stats(HEAP_TASKS).used_bytes, before.used_bytes);
		CHECK_EQ(heap_stats(HEAP_TASKS).blocks, before.blocks);
	}
	ASYNC_END(me);
}

#define BLOCKS 24

/* Takes and releases beside a sum of its own, yields, sleeps, is preempted and moved; the sum must
 * fit at each step, as only its own requests count. */
struct keeper {
	struct async async;
	struct yield yield;
	struct sleep sleep;
	u64 seed, sum;
	unsigned n, blocks;
	struct {
		u8 *p;
		usize bytes;
		u8 stamp;
	} held[BLOCKS];
};

static void keeper_step(struct keeper *me)
{
	unsigned i = (unsigned)test_below(&me->seed, BLOCKS);
	usize bytes = me->held[i].bytes, kept = 0;
	u8 *p = me->held[i].p;

	if (p) {
		while (kept < bytes && p[kept] == me->held[i].stamp)
			kept++;
		CHECK_EQ(kept, bytes);
		task_free(p);
		me->held[i].p = NULL;
		me->sum -= gross(bytes);
		me->blocks--;
	} else {
		bytes = (usize)test_below(&me->seed, 5) ? test_below(&me->seed, 400)
							: test_below(&me->seed, 5000);
		p = task_alloc(bytes);
		ASSERT(p);
		me->held[i].p = p;
		me->held[i].bytes = bytes;
		me->held[i].stamp = (u8)test_random(&me->seed);
		memset(p, me->held[i].stamp, bytes);
		me->sum += gross(bytes);
		me->blocks++;
	}
	CHECK(charged(me->sum, me->blocks));
}

static enum poll keeper(void *frame)
{
	struct keeper *me = frame;

	ASYNC_BEGIN(me);
	for (me->n = 0; me->n < 300; me->n++) {
		keeper_step(me);
		if (test_below(&me->seed, 8) == 0)
			AWAIT(me, yield_now(&me->yield));
		else if (test_below(&me->seed, 16) == 0)
			AWAIT(me, sleep_for(&me->sleep, US(1 + test_below(&me->seed, 50))));
	}
	/* About half of the blocks are left to the end of the task. */
	ASYNC_END(me);
}

static struct sched_params some_params(unsigned i)
{
	return i % 2 ? SCHED_PARAMS_FIFO((u8)(20 + i))
		     : SCHED_PARAMS_RR((u8)(4 + i % 3), SCHED_QUANTUM_MIN_NS);
}

static enum poll each_task_pays_for_itself(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	before = heap_stats(HEAP_TASKS);
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "keeper", keeper,
				((struct keeper){.seed = me->i + 1}), some_params(me->i)));
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		CHECK_EQ(arena_bytes(&me->tasks[me->i]->arena), 0);
		task_put(me->tasks[me->i]);
	}
	CHECK_EQ(heap_stats(HEAP_TASKS).used_bytes, before.used_bytes);
	CHECK_EQ(heap_stats(HEAP_TASKS).blocks, before.blocks);
	ASYNC_END(me);
}

/* Takes all that it can get, in pieces of falling size, and holds on to it until told. */
struct hoarder {
	struct async async;
	struct sleep sleep;
	u64 got_bytes;
};

static u64 hoard(void)
{
	u64 got = 0;

	for (usize bytes = MIB(4); bytes >= 16; bytes /= 4) {
		while (task_alloc(bytes))
			got += bytes;
	}
	return got;
}

static _Atomic bool full, enough;

static enum poll hoarder(void *frame)
{
	struct hoarder *me = frame;

	ASYNC_BEGIN(me);
	me->got_bytes = hoard();
	CHECK(me->got_bytes > page_total_bytes() / 2);
	CHECK(page_free_bytes() >= heap_reserve_bytes());
	CHECK(page_free_bytes() < heap_reserve_bytes() + MIB(1));
	CHECK(task_alloc(16) == NULL);
	/* relaxed: told and awaited by time */
	atomic_store_explicit(&full, true, memory_order_relaxed);
	while (!atomic_load_explicit(&enough, memory_order_relaxed))
		AWAIT(me, sleep_for(&me->sleep, US(100)));
	ASYNC_END(me);
}

/* An ordinary task that makes the kernel allocate gets what the kernel's pools have, and then
 * nothing; the chain of what it got is left for the test to release. */
struct link {
	struct link *next;
};

static struct link *errands;

static enum poll errand(void *frame)
{
	struct hoarder *me = frame;
	struct link *l;

	ASYNC_BEGIN(me);
	for (usize bytes = 48000; bytes >= 3000; bytes /= 16) {
		while ((l = kmalloc(bytes)) != NULL) {
			l->next = errands;
			errands = l;
		}
	}
	CHECK(page_free_bytes() >= heap_reserve_bytes());
	CHECK(kzalloc(3000) == NULL);
	ASYNC_END(me);
}

static u64 kernel_can_have(usize bytes)
{
	struct link *all = NULL, *l;
	u64 n = 0;

	while ((l = kmalloc(bytes)) != NULL) {
		l->next = all;
		all = l;
		n++;
	}
	for (; all; all = l) {
		l = all->next;
		kfree(all);
	}
	return n * bytes;
}

static enum poll servant(void *frame)
{
	struct hoarder *me = frame;

	ASYNC_BEGIN(me);
	me->got_bytes = kernel_can_have(3000);
	CHECK(me->got_bytes > heap_reserve_bytes() / 2);
	CHECK(page_free_bytes() >= heap_reserve_bytes() - KIB(512));
	ASYNC_END(me);
}

static void spawn_one(struct scene *me, unsigned i, const char *name, task_fn *fn, bool service)
{
	static struct hoarder frame;

	MUST(task_spawn(&(struct task_spec){.name = name,
					    .fn = fn,
					    .frame = &frame,
					    .frame_bytes = sizeof frame,
					    .params = SCHED_PARAMS_FIFO(8),
					    .service = service},
			&me->tasks[i]));
}

static void release_errands(void)
{
	struct link *l;

	while ((l = errands) != NULL) {
		errands = l->next;
		kfree(l);
	}
}

/* The second time around what the first left behind is there again, but for a pool. */
static enum poll what_tasks_make_the_kernel_allocate_leaves_the_reserve(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	CHECK(heap_reserve_bytes() >= MIB(1));
	before = kmalloc_stats();
	for (me->i = 0; me->i < 2; me->i++) {
		spawn_one(me, 0, "errand", errand, false);
		AWAIT(me, task_join(&me->join, me->tasks[0]));
		task_put(me->tasks[0]);
		CHECK(kmalloc_stats().used_bytes > page_total_bytes() / 2);
		spawn_one(me, 0, "servant", servant, true);
		AWAIT(me, task_join(&me->join, me->tasks[0]));
		task_put(me->tasks[0]);
		release_errands();
		CHECK_EQ(kmalloc_stats().used_bytes, before.used_bytes);
		CHECK(kmalloc_stats().pool_bytes <= before.pool_bytes + KIB(512));
	}
	ASYNC_END(me);
}

static enum poll a_task_that_takes_all_leaves_the_reserve(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	before = heap_stats(HEAP_TASKS);
	for (me->i = 0; me->i < 2; me->i++) {
		atomic_store_explicit(&full, false, memory_order_relaxed);
		atomic_store_explicit(&enough, false, memory_order_relaxed);
		spawn_one(me, 0, "hoarder", hoarder, false);
		while (!atomic_load_explicit(&full, memory_order_relaxed))
			AWAIT(me, sleep_for(&me->sleep, US(100)));
		spawn_one(me, 1, "servant", servant, true);
		AWAIT(me, task_join(&me->join, me->tasks[1]));
		task_put(me->tasks[1]);
		CHECK(heap_stats(HEAP_TASKS).failures > before.failures);
		atomic_store_explicit(&enough, true, memory_order_relaxed);
		AWAIT(me, task_join(&me->join, me->tasks[0]));
		task_put(me->tasks[0]);
		CHECK_EQ(heap_stats(HEAP_TASKS).used_bytes, before.used_bytes);
		CHECK_EQ(heap_stats(HEAP_TASKS).blocks, before.blocks);
	}
	ASYNC_END(me);
}

/* What arena_release does about a task that wrote over the ends of its blocks: an arena by itself,
 * as the memory of the task that runs must stay whole. */
static unsigned released_after(unsigned damaged, int at)
{
	struct arena a;
	u8 *p[5];
	unsigned n;

	arena_init(&a, 0, false);
	for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = arena_alloc(&a, 100, 77);
		ASSERT(p[i]);
	}
	if (at >= 0) /* at its end; it may have a unit more than it needs */
		at += (int)(block_bytes(block_of(p[damaged] - 16)) - ALIGN_UP(100u + 16, 16));
	p[damaged][at] ^= 0x55;
	n = arena_release(&a);
	CHECK(a.newest == NULL);
	p[damaged][at] ^= 0x55;
	return n;
}

static void what_was_overwritten_stays_out_of_use(void)
{
	/* Behind the end: only that block. Of its header: the same. */
	CHECK_EQ(released_after(2, 105), 4);
	CHECK_EQ(released_after(4, 111), 4);
	CHECK_EQ(released_after(0, -20), 4);
	/* A link between two, which lies before the begin of one: what is older than that, too. */
	CHECK_EQ(released_after(2, -16), 2);
	CHECK_EQ(released_after(2, -11), 2);
	CHECK_EQ(released_after(4, -8), 0);
	CHECK_EQ(released_after(0, -1), 3);
}

/* Releases as many blocks as were taken, in whichever order some were released before. */
static void an_arena_alone(void)
{
	struct arena a;
	u8 *p[20];
	u64 seed = 1;

	before = heap_stats(HEAP_TASKS);
	for (unsigned round = 0; round < 50; round++) {
		unsigned left = 0;

		arena_init(&a, 1u << 20, false);
		for (unsigned i = 0; i < ARRAY_LEN(p); i++)
			p[i] = arena_alloc(&a, test_below(&seed, 300), 5);
		for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
			if (test_below(&seed, 2))
				arena_free(&a, p[i], 5);
			else
				left++;
		}
		CHECK_EQ(arena_release(&a), left);
		CHECK_EQ(arena_release(&a), 0);
		CHECK_EQ(arena_bytes(&a), 0);
	}
	CHECK_EQ(heap_stats(HEAP_TASKS).blocks, before.blocks);
}

TESTS_MAIN(PLAIN(an_arena_alone), ASYNC(a_limit_is_exact_and_the_end_releases_all),
	   ASYNC(each_task_pays_for_itself),
	   ASYNC(what_tasks_make_the_kernel_allocate_leaves_the_reserve),
	   ASYNC(a_task_that_takes_all_leaves_the_reserve),
	   PLAIN(what_was_overwritten_stays_out_of_use));
