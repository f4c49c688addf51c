/*
 * The kernel's heap: what it hands out is aligned, apart and kept; neighbours join again.
 * cpus: 1 4
 */
#include "../test.h"
#include "async/join.h"
#include "mm/kmalloc.h"

#define BLOCKS 64

struct held {
	u8 *p;
	usize bytes;
	u8 stamp;
};

static void take(struct held *h, usize bytes, u8 stamp)
{
	*h = (struct held){kmalloc(bytes), bytes, stamp};
	if (!h->p)
		panic("no memory for %zu bytes", bytes);
	CHECK_EQ((uptr)h->p % KMALLOC_ALIGN_BYTES, 0);
	memset(h->p, stamp, bytes);
}

static void give(struct held *h)
{
	usize kept = 0;

	while (kept < h->bytes && h->p[kept] == h->stamp)
		kept++;
	CHECK_EQ(kept, h->bytes);
	kfree(h->p);
	h->p = NULL;
}

/* Mostly small, seldom large: a random number of bits. */
static usize some_size(u64 *seed)
{
	return (usize)(test_random(seed) >> (64 - test_below(seed, 14)) % 64) % 8192;
}

static void churn(struct held *held, unsigned steps, u64 seed)
{
	for (unsigned n = 0; n < steps; n++) {
		struct held *h = &held[test_below(&seed, BLOCKS)];

		if (h->p)
			give(h);
		else
			take(h, some_size(&seed), (u8)test_random(&seed));
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (held[i].p)
			give(&held[i]);
	}
}

static void blocks_stay_apart_and_are_kept(void)
{
	static struct held held[BLOCKS];
	struct kmalloc_stats before = kmalloc_stats(), after;

	churn(held, 10000, 1);
	after = kmalloc_stats();
	CHECK_EQ(after.used_bytes, before.used_bytes);
	CHECK_EQ(after.blocks, before.blocks);
	CHECK_EQ(after.failures, before.failures);
	CHECK(after.peak_bytes > before.used_bytes);
	CHECK(after.peak_bytes <= after.pool_bytes);
}

/* Once churned, the heap serves the same load again from what it has, down to one large block. */
static void neighbours_join_again(void)
{
	static struct held held[BLOCKS];
	struct held large;
	u64 pools;

	take(&large, KIB(200), 1);
	give(&large);
	pools = kmalloc_stats().pool_bytes;
	for (u64 seed = 0; seed < 5; seed++) {
		churn(held, 500, seed);
		take(&large, KIB(200), 2);
		give(&large);
	}
	CHECK_EQ(kmalloc_stats().pool_bytes, pools);
}

/* Four neighbours that fill a pool, released in any order, make one block again. */
static void neighbours_join_in_any_order(void)
{
	static struct held full[24], part[4];
	unsigned n = 0, freed;
	u64 pools = kmalloc_stats().pool_bytes, seed = 1;

	/* Until the heap has grown: what other pools have left is less than a part. */
	do {
		ASSERT(n < ARRAY_LEN(full));
		take(&full[n], KIB(200), (u8)n);
		n++;
	} while (kmalloc_stats().pool_bytes == pools);
	pools = kmalloc_stats().pool_bytes;
	give(&full[n - 1]);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 4; i++)
			take(&part[i], KIB(60), (u8)i);
		CHECK_EQ(kmalloc_stats().pool_bytes, pools);
		for (freed = 0; freed < 4;) {
			struct held *h = &part[test_below(&seed, 4)];

			if (h->p) {
				give(h);
				freed++;
			}
		}
		take(&full[n - 1], KIB(200), 9);
		CHECK_EQ(kmalloc_stats().pool_bytes, pools);
		give(&full[n - 1]);
	}
	while (--n)
		give(&full[n - 1]);
}

/* Each size up to a few KiB and around the powers of two gets at least that much. */
static void every_size_is_served(void)
{
	static struct held held[3];

	for (usize bytes = 0; bytes < 600; bytes++) {
		for (unsigned i = 0; i < ARRAY_LEN(held); i++)
			take(&held[i], bytes, (u8)(bytes + i));
		give(&held[1]);
		give(&held[0]);
		give(&held[2]);
	}
	for (usize power = 1024; power <= KIB(64); power *= 2) {
		for (usize bytes = power - 17; bytes <= power + 17; bytes++) {
			take(&held[0], bytes, 3);
			give(&held[0]);
		}
	}
}

static void large_and_impossible_requests(void)
{
	struct held large;
	u64 failures = kmalloc_stats().failures;

	take(&large, MIB(3) + 5, 7);
	give(&large);
	CHECK(kmalloc(KMALLOC_MAX_BYTES + 1) == NULL);
	CHECK(kmalloc(~(usize)0) == NULL);
	CHECK(kmalloc(KMALLOC_MAX_BYTES) == NULL); /* more than this machine has */
	CHECK_EQ(kmalloc_stats().failures, failures + 3);
	take(&large, 100, 8);
	give(&large);
	kfree(NULL);
}

static void kzalloc_clears_what_was_used_before(void)
{
	struct held dirty;

	take(&dirty, 1000, 0xff);
	give(&dirty);
	for (unsigned n = 0; n < 20; n++) {
		u8 *p = kzalloc(1000);
		usize zeros = 0;

		ASSERT(p);
		while (zeros < 1000 && !p[zeros])
			zeros++;
		CHECK_EQ(zeros, 1000);
		memset(p, 0xff, 1000);
		kfree(p);
	}
}

struct churner {
	struct async async;
	u64 seed;
	struct held held[BLOCKS];
};

static enum poll churner(void *frame)
{
	struct churner *me = frame;

	churn(me->held, 1000, me->seed);
	ASYNC_BEGIN(me);
	ASYNC_END(me);
}

struct together {
	struct async async;
	struct task *tasks[6];
	struct join join;
	unsigned i;
};

static enum poll cpus_do_not_disturb_each_other(void *frame)
{
	struct together *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "churner", churner,
				((struct churner){.seed = me->i}),
				SCHED_PARAMS_RR(8, SCHED_QUANTUM_DEFAULT_NS)));
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(blocks_stay_apart_and_are_kept), PLAIN(neighbours_join_again),
	   PLAIN(neighbours_join_in_any_order), PLAIN(every_size_is_served),
	   PLAIN(large_and_impossible_requests), PLAIN(kzalloc_clears_what_was_used_before),
	   ASYNC(cpus_do_not_disturb_each_other));
