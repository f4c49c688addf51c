/*
 * The page allocator: blocks are aligned, apart from each other, and come together again.
 * cpus: 1 4
 */
#include "../test.h"
#include "async/join.h"
#include "mm/kmalloc.h"
#include "mm/page.h"

#define BLOCKS 48
#define GIB    ((uptr)1 << 30)

struct held {
	u8 *p;
	unsigned order;
	u8 stamp;
};

/* The first and last word of each page belong to the holder. */
static void stamp(const struct held *h)
{
	for (usize page = 0; page < (usize)1 << h->order; page++) {
		h->p[page * PAGE_BYTES] = h->stamp;
		h->p[page * PAGE_BYTES + PAGE_BYTES - 1] = h->stamp;
	}
}

static bool stamped(const struct held *h)
{
	for (usize page = 0; page < (usize)1 << h->order; page++) {
		if (h->p[page * PAGE_BYTES] != h->stamp ||
		    h->p[page * PAGE_BYTES + PAGE_BYTES - 1] != h->stamp)
			return false;
	}
	return true;
}

static void churn(struct held *held, unsigned steps, u64 seed)
{
	for (unsigned n = 0; n < steps; n++) {
		struct held *h = &held[test_below(&seed, BLOCKS)];

		if (h->p) {
			CHECK(stamped(h));
			page_free(h->p, h->order);
			h->p = NULL;
			continue;
		}
		h->order = (unsigned)test_below(&seed, 5);
		h->stamp = (u8)test_random(&seed);
		h->p = page_alloc(h->order);
		CHECK(h->p != NULL);
		CHECK_EQ((uptr)h->p % ((uptr)PAGE_BYTES << h->order), 0);
		stamp(h);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (held[i].p) {
			CHECK(stamped(&held[i]));
			page_free(held[i].p, held[i].order);
			held[i].p = NULL;
		}
	}
}

/* The largest order that can be had now. */
static unsigned largest(void)
{
	unsigned order = PAGE_ORDER_MAX;
	void *p;

	while (!(p = page_alloc(order)))
		order--;
	page_free(p, order);
	return order;
}

static void blocks_stay_apart_and_join_again(void)
{
	static struct held held[BLOCKS];
	u64 before = page_free_bytes();
	unsigned best = largest();

	CHECK(before <= page_total_bytes());
	churn(held, 20000, 1);
	CHECK_EQ(page_free_bytes(), before);
	CHECK_EQ(largest(), best);
}

/* Everything that there is, in blocks of 32 KiB linked through their first words, and back. */
static void all_memory_can_be_had_and_given_back(void)
{
	u64 before = page_free_bytes();
	unsigned best = largest();
	void **chain = NULL, **page;
	u64 pages = 0;

	while ((page = page_alloc(3)) != NULL) {
		*page = chain;
		chain = page;
		pages++;
	}
	CHECK(page_free_bytes() < (u64)PAGE_BYTES << 3 || page_alloc(3) == NULL);
	CHECK_EQ(before - page_free_bytes(), pages * (PAGE_BYTES << 3));
	while (chain) {
		page = chain;
		chain = *page;
		page_free(page, 3);
	}
	CHECK_EQ(page_free_bytes(), before);
	CHECK_EQ(largest(), best);
}

/* Any number of pages in a row costs just these, and comes together again with its neighbours. */
static void pages_in_a_row(void)
{
	struct {
		u8 *p;
		usize n;
	} held[20];
	u64 before = page_free_bytes(), sum = 0, seed = 1;
	unsigned best = largest();

	for (usize n = 1; n < 70; n++) {
		for (unsigned i = 0; i < ARRAY_LEN(held); i++) {
			held[i].n = i % 2 ? n : 1 + test_below(&seed, 100);
			held[i].p = pages_alloc(held[i].n, 0);
			ASSERT(held[i].p);
			CHECK_EQ((uptr)held[i].p %
					 ((uptr)PAGE_BYTES << page_order(held[i].n * PAGE_BYTES)),
				 0);
			memset(held[i].p, (int)i, held[i].n * PAGE_BYTES);
			sum += held[i].n;
			CHECK_EQ(before - page_free_bytes(), sum * PAGE_BYTES);
		}
		for (unsigned i = 0; i < ARRAY_LEN(held); i++) {
			unsigned k = (i * 7 + 3) % ARRAY_LEN(held);
			usize bytes = held[k].n * PAGE_BYTES;

			CHECK(held[k].p[0] == k && held[k].p[bytes - 1] == k);
			pages_free(held[k].p, held[k].n);
			sum -= held[k].n;
			CHECK_EQ(before - page_free_bytes(), sum * PAGE_BYTES);
		}
		CHECK_EQ(largest(), best);
	}
}

static void what_is_to_be_kept_is(void)
{
	u64 free = page_free_bytes();
	void *p;

	CHECK(pages_alloc(3, free - 3 * PAGE_BYTES + 1) == NULL);
	CHECK(pages_alloc(3, free) == NULL);
	CHECK(pages_alloc(3, UINT64_MAX / 2) == NULL);
	CHECK(pages_alloc(3, UINT64_MAX - PAGE_BYTES) == NULL);
	p = pages_alloc(3, free - 3 * PAGE_BYTES);
	ASSERT(p);
	pages_free(p, 3);
	CHECK_EQ(page_free_bytes(), free);
	CHECK(page_managed((uptr)p) && !page_managed(0) && !page_managed((uptr)&free + GIB));
}

/* Only whole pages count, one of them for the range's own state; what is too small does not. */
static void odd_ranges_are_trimmed(void)
{
	static u8 area[40 * PAGE_BYTES];
	u64 total = page_total_bytes(), free = page_free_bytes();
	u64 begin = (uptr)area + 100, bytes = 37 * PAGE_BYTES + 5;
	u64 usable =
		ALIGN_DOWN(begin + bytes, PAGE_BYTES) - ALIGN_UP(begin, PAGE_BYTES) - PAGE_BYTES;

	page_add(begin, bytes);
	CHECK_EQ(page_total_bytes() - total, usable);
	CHECK_EQ(page_free_bytes() - free, usable);
	page_add(begin + bytes + PAGE_BYTES, 0);
	page_add(ALIGN_UP(begin + bytes, PAGE_BYTES), PAGE_BYTES);
	page_add(0, PAGE_BYTES);
	CHECK_EQ(page_total_bytes() - total, usable);
}

static void sizes_out_of_range(void)
{
	CHECK(page_alloc(PAGE_ORDER_MAX + 1) == NULL);
	CHECK(page_alloc(~0u) == NULL);
	CHECK_EQ(page_order(0), 0);
	CHECK_EQ(page_order(1), 0);
	CHECK_EQ(page_order(PAGE_BYTES), 0);
	CHECK_EQ(page_order(PAGE_BYTES + 1), 1);
	CHECK_EQ(page_order(MIB(1)), 8);
}

struct churner {
	struct async async;
	u64 seed;
};

static enum poll churner(void *frame)
{
	struct churner *me = frame;
	struct held held[BLOCKS] = {0};

	churn(held, 1000, me->seed);
	ASYNC_BEGIN(me);
	ASYNC_END(me);
}

/* Tasks come from the kernel's heap, which may grow meanwhile. */
static u64 free_or_heap_bytes(void)
{
	return page_free_bytes() + kmalloc_stats().pool_bytes + heap_stats(HEAP_TASKS).pool_bytes;
}

struct together {
	struct async async;
	struct task *tasks[6];
	struct join join;
	unsigned i;
	u64 before;
};

static enum poll cpus_do_not_disturb_each_other(void *frame)
{
	struct together *me = frame;

	ASYNC_BEGIN(me);
	me->before = free_or_heap_bytes();
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "churner", churner,
				((struct churner){.seed = me->i}),
				SCHED_PARAMS_RR(8, SCHED_QUANTUM_DEFAULT_NS)));
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	CHECK_EQ(free_or_heap_bytes(), me->before);
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(odd_ranges_are_trimmed), PLAIN(blocks_stay_apart_and_join_again),
	   PLAIN(all_memory_can_be_had_and_given_back), PLAIN(pages_in_a_row),
	   PLAIN(what_is_to_be_kept_is), PLAIN(sizes_out_of_range),
	   ASYNC(cpus_do_not_disturb_each_other));
