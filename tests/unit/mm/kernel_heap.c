/*
 * The kernel's heap: what it hands out is aligned, apart and kept; neighbours join again; released
 * blocks wait in magazines, a bounded number of them; pools that are wholly free go back.
 * test_heaps.py runs it without magazines, too.
 * cpus: 1 4
 */
#include "../test.h"
#include "async/join.h"
#include "async/mailbox.h"
#include "async/sleep.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "mm/magazine.h"
#include "mm/page.h"

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

static u64 pages_and_pools(void)
{
	return page_free_bytes() + kmalloc_stats().pool_bytes;
}

/* Once churned, the heap serves the same load again from what it has; what magazines keep may
 * cost it a pool. */
static void neighbours_join_again(void)
{
	static struct held held[BLOCKS];
	struct held large;
	u64 pools, all = pages_and_pools();

	churn(held, 500, 7);
	take(&large, KIB(60), 1);
	give(&large);
	pools = kmalloc_stats().pool_bytes + KIB(256);
	for (u64 seed = 0; seed < 5; seed++) {
		churn(held, 500, seed);
		take(&large, KIB(60), 2);
		give(&large);
		CHECK(kmalloc_stats().pool_bytes <= pools);
		CHECK_EQ(pages_and_pools(), all);
	}
}

/* However much was taken, all but a pool of what is not in use becomes pages again. */
static void free_pools_go_back(void)
{
	static void *held[41];
	struct kmalloc_stats before = kmalloc_stats();

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < ARRAY_LEN(held); i++) {
			held[i] = kmalloc(i % 4 ? KIB(50) : MIB(1));
			ASSERT(held[i]);
		}
		CHECK(kmalloc_stats().pool_bytes > before.pool_bytes + MIB(10));
		for (unsigned i = 0; i < ARRAY_LEN(held); i++)
			kfree(held[i * 7 % ARRAY_LEN(held)]);
		CHECK(kmalloc_stats().pool_bytes <= before.pool_bytes + KIB(256));
	}
}

static bool with_magazines(void)
{
	char text[8];

	return !words_find(board_cmdline(), "heap", text, sizeof text) || strcmp(text, "tlsf");
}

/* Steps, as the simulator's events, and sections under the lock, of one pair; alone on its CPU. */
static void warm_pair(usize bytes, u64 *steps, u64 *locked)
{
	u64 before = kmalloc_stats().locked, begin_ns;
	bool irqs = arch_irq_save();
	void *volatile p;

	begin_ns = clock_ns();
	p = kmalloc(bytes);
	kfree(p);
	*steps = clock_ns() - begin_ns;
	arch_irq_restore(irqs);
	*locked = kmalloc_stats().locked - before;
}

static void a_cpus_own_blocks_need_no_lock(void)
{
	for (usize bytes = 1; bytes <= 2 * MAGAZINE_MAX_BYTES; bytes += 7) {
		bool short_way = with_magazines() && bytes <= MAGAZINE_MAX_BYTES;
		u64 steps, locked;

		kfree(kmalloc(bytes));
		preempt_disable();
		kfree(kmalloc(bytes));
		warm_pair(bytes, &steps, &locked);
		preempt_enable();
		CHECK_EQ(locked, short_way ? 0 : 2);
		/* Poison is written and read once, a word at a time. */
		CHECK(steps <= (short_way ? 80 : 240) + 8 * (MIN(bytes, MAGAZINE_MAX_BYTES) / 8));
	}
}

/* The most steps that one of many operations took; alone on its CPU, nothing interrupts. */
static u64 most_steps_with(unsigned blocks, u64 seed)
{
	static void *held[4000];
	u64 most = 0, begin_ns;
	bool irqs = arch_irq_save();

	for (unsigned i = 0; i < blocks; i++) {
		usize bytes = some_size(&seed);

		begin_ns = clock_ns();
		held[i] = kmalloc(bytes);
		most = MAX(most, clock_ns() - begin_ns);
		ASSERT(held[i]);
	}
	while (blocks) {
		unsigned i = (unsigned)test_below(&seed, blocks);
		void *p = held[i];

		held[i] = held[--blocks];
		begin_ns = clock_ns();
		kfree(p);
		most = MAX(most, clock_ns() - begin_ns);
	}
	arch_irq_restore(irqs);
	return most;
}

/* Whether the heap grows or shrinks or not, and however much is in use. */
static void steps_are_bounded(void)
{
	static const unsigned blocks[] = {10, 100, 1000, 4000};

	for (unsigned i = 0; i < ARRAY_LEN(blocks) && cpu_count == 1; i++) {
		u64 most = most_steps_with(blocks[i], i + 1);

		kprintf("  with %u blocks: at most %llu steps\n", blocks[i],
			(unsigned long long)most);
		CHECK(most > 40 && most <= 600);
	}
}

static void magazines_keep_a_bounded_number(void)
{
	static void *blocks[1000];
	u64 of_a_size = (2 + DEPOT_MAGAZINES) * MAGAZINE_BLOCKS; /* on the CPU, and in the depot */
	struct kmalloc_stats before = kmalloc_stats();

	preempt_disable();
	for (usize bytes = UNIT_BYTES; bytes <= MAGAZINE_MAX_BYTES; bytes += 80) {
		for (unsigned i = 0; i < ARRAY_LEN(blocks); i++) {
			blocks[i] = kmalloc(bytes);
			ASSERT(blocks[i]);
		}
		u64 cached = kmalloc_stats().cached_bytes;

		for (unsigned i = 0; i < ARRAY_LEN(blocks); i++)
			kfree(blocks[i]);
		cached = kmalloc_stats().cached_bytes - cached;
		if (!with_magazines()) {
			CHECK_EQ(cached, 0);
			continue;
		}
		/* Some are a unit larger than what they are for, and kept by their size. */
		CHECK(cached >= of_a_size * (bytes + HEADER_BYTES));
		CHECK(cached <= of_a_size * 2 * (bytes + HEADER_BYTES + UNIT_BYTES));
	}
	preempt_enable();
	CHECK_EQ(kmalloc_stats().blocks, before.blocks);
	CHECK_EQ(kmalloc_stats().used_bytes, before.used_bytes);
}

/* A request that the pages left cannot meet is met when what magazines keep makes the difference.
 */
static void cached_blocks_are_given_back_before_a_request_fails(void)
{
	struct chain {
		struct chain *next;
	} *small = NULL, *large = NULL, *c;
	void *big = NULL;

	for (unsigned i = 0; i < 20; i++)
		kfree(kmalloc(64));
	while ((c = kmalloc(KIB(64))) != NULL) {
		c->next = large;
		large = c;
	}
	CHECK(kmalloc_stats().cached_bytes == 0 || cpu_count > 1);
	/* All that is left, in blocks that magazines keep ... */
	while ((c = kmalloc(500)) != NULL) {
		c->next = small;
		small = c;
	}
	for (; small; small = c) {
		c = small->next;
		kfree(small);
	}
	CHECK(!with_magazines() || kmalloc_stats().cached_bytes > KIB(4));
	/* ... can be had as a larger one. */
	big = kmalloc(KIB(2));
	CHECK(big != NULL);
	kfree(big);
	for (; large; large = c) {
		c = large->next;
		kfree(large);
	}
}

/* Four neighbours that fill a pool, released in any order, make one block again: else a pool would
 * be added for those of the next round. */
static void neighbours_join_in_any_order(void)
{
	static struct held full[40], part[4];
	unsigned n = 0;
	u64 pools = kmalloc_stats().pool_bytes, seed = 1;

	/* Until the heap has grown: what other pools have left is less than a part. */
	do {
		ASSERT(n < ARRAY_LEN(full));
		take(&full[n], KIB(62), (u8)n);
		n++;
	} while (kmalloc_stats().pool_bytes == pools);
	pools = kmalloc_stats().pool_bytes;
	give(&full[--n]);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 4; i++)
			take(&part[i], KIB(62), (u8)i);
		CHECK_EQ(kmalloc_stats().pool_bytes, pools);
		for (unsigned freed = 0; freed < 4;) {
			struct held *h = &part[test_below(&seed, 4)];

			if (h->p) {
				give(h);
				freed++;
			}
		}
	}
	while (n)
		give(&full[--n]);
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
	CHECK(kmalloc_stats().pool_bytes < MIB(3));
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

/* All work with blocks of a single size; one of them comes every few microseconds, wherever the
 * one that runs just is. */
#define FEW 5

struct turns {
	struct async async;
	struct sleep sleep;
	struct held held[FEW];
	u64 seed;
	unsigned i;
	bool intrudes;
};

static enum poll turns(void *frame)
{
	struct turns *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 2000; me->i++) {
		struct held *h = &me->held[test_below(&me->seed, FEW)];

		if (h->p)
			give(h);
		else
			take(h, 9, (u8)test_random(&me->seed));
		if (me->intrudes && me->i % 4 == 3)
			AWAIT(me, sleep_for(&me->sleep, US(1) + test_below(&me->seed, US(2))));
	}
	for (me->i = 0; me->i < FEW; me->i++) {
		if (me->held[me->i].p)
			give(&me->held[me->i]);
	}
	ASYNC_END(me);
}

static enum poll preemption_may_strike_anywhere(void *frame)
{
	struct together *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "turns", turns,
				((struct turns){.seed = me->i, .intrudes = me->i == 0}),
				SCHED_PARAMS_FIFO(me->i == 0 ? 5 : 4)));
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

/* Messages that one task allocates and another releases, mostly on another CPU. */
struct message {
	struct list link;
	u32 bytes;
	u8 stamp, data[];
};

static struct mailbox belt;

struct maker {
	struct async async;
	struct yield yield;
	u64 seed;
	unsigned i;
};

#define MESSAGES 300u

static enum poll maker(void *frame)
{
	struct maker *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++) {
		u32 bytes = (u32)test_below(&me->seed, 600);
		struct message *m = kmalloc(sizeof *m + bytes);

		ASSERT(m);
		m->bytes = bytes;
		m->stamp = (u8)test_random(&me->seed);
		memset(m->data, m->stamp, bytes);
		MUST(mailbox_send(&belt, &m->link));
		if (me->i % 8 == 7)
			AWAIT(me, yield_now(&me->yield));
	}
	ASYNC_END(me);
}

struct breaker {
	struct async async;
	struct wait wait;
	unsigned left;
};

static void destroy(struct message *m)
{
	u32 kept = 0;

	while (kept < m->bytes && m->data[kept] == m->stamp)
		kept++;
	CHECK_EQ(kept, m->bytes);
	kfree(m);
}

static enum poll breaker(void *frame)
{
	struct breaker *me = frame;

	ASYNC_BEGIN(me);
	for (; me->left; me->left--) {
		AWAIT(me, mailbox_wait(&me->wait, &belt));
		destroy(LIST_ENTRY(mailbox_take(&belt), struct message, link));
	}
	ASYNC_END(me);
}

static enum poll blocks_may_be_released_on_another_cpu(void *frame)
{
	static struct kmalloc_stats before;
	struct together *me = frame;

	ASYNC_BEGIN(me);
	mailbox_init(&belt);
	before = kmalloc_stats();
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
		MUST(me->i % 2 ? TASK_SPAWN(&me->tasks[me->i], "breaker", breaker,
					    ((struct breaker){.left = MESSAGES}),
					    SCHED_PARAMS_RR(8, SCHED_QUANTUM_DEFAULT_NS))
			       : TASK_SPAWN(&me->tasks[me->i], "maker", maker,
					    ((struct maker){.seed = me->i}),
					    SCHED_PARAMS_RR(8, SCHED_QUANTUM_DEFAULT_NS)));
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	CHECK(kmalloc_stats().blocks <= before.blocks + cpu_count); /* the dead, for a moment */
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(blocks_stay_apart_and_are_kept), PLAIN(neighbours_join_again),
	   PLAIN(neighbours_join_in_any_order), PLAIN(every_size_is_served),
	   PLAIN(free_pools_go_back), PLAIN(a_cpus_own_blocks_need_no_lock),
	   PLAIN(steps_are_bounded), PLAIN(magazines_keep_a_bounded_number),
	   PLAIN(cached_blocks_are_given_back_before_a_request_fails),
	   PLAIN(large_and_impossible_requests), PLAIN(kzalloc_clears_what_was_used_before),
	   ASYNC(cpus_do_not_disturb_each_other), ASYNC(preemption_may_strike_anywhere),
	   ASYNC(blocks_may_be_released_on_another_cpu));
