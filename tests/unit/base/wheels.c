/*
 * The timing wheel against a plain array, through random pushes, removals and steps at rising times;
 * equal times; and what each operation costs, counted, from one node to a million.
 * cpus: 1
 */
#include "../test.h"
#include "base/wheel.h"
#include "core/time.h"

#define NODES 200u
#define MANY  1000000u

static struct wheel wheel;
static struct wheel_node nodes[NODES];
static struct {
	bool inside;
	u64 key, order;
} model[NODES];
static u64 now, orders;
static unsigned count;

static int least(void)
{
	int best = -1;

	for (unsigned i = 0; i < NODES; i++)
		if (model[i].inside &&
		    (best < 0 || model[i].key < model[best].key ||
		     (model[i].key == model[best].key && model[i].order < model[best].order)))
			best = (int)i;
	return best;
}

static u64 least_key(void)
{
	int i = least();

	return i < 0 ? WHEEL_NEVER : model[i].key;
}

/* Now, soon, later or never; often the same. */
static u64 some_time(u64 *random)
{
	switch (test_below(random, 5)) {
	case 0: return now + 1;
	case 1: return now + 1 + test_below(random, 20);
	case 2: return (now + 1000) & ~511ull;
	case 3: return now + 1 + (test_random(random) >> (20 + test_below(random, 43)));
	default: return test_below(random, 30) ? now + 1 + test_below(random, 5000) : WHEEL_NEVER;
	}
}

static void push(unsigned i, u64 key)
{
	wheel_push(&wheel, &nodes[i], key);
	model[i].inside = true;
	model[i].key = key;
	model[i].order = orders++;
	count++;
}

static void drop(unsigned i)
{
	wheel_remove(&wheel, &nodes[i]);
	model[i].inside = false;
	count--;
}

/* Up to @p most steps. Returns how many were left. */
static unsigned steps(unsigned most)
{
	struct wheel_node *n;

	while (most) {
		u64 first = least_key();

		if (!wheel_step(&wheel, now, &n)) {
			CHECK(first > now);
			break;
		}
		most--;
		if (!n)
			continue;
		CHECK_EQ(n - nodes, least());
		CHECK(first <= now);
		model[n - nodes].inside = false;
		count--;
	}
	return most;
}

/* What it says of the next time: never too late; and right, where few nodes are in it, or all that
 * came are still there. */
static void check_next(bool exact)
{
	u64 next = wheel_next(&wheel);

	CHECK(next <= least_key());
	if (exact && least_key() > now)
		CHECK_EQ(next, least_key());
}

static void empty(void)
{
	for (unsigned i = 0; i < NODES; i++)
		if (model[i].inside)
			drop(i);
	(void)steps(100);
	CHECK_EQ(wheel_next(&wheel), WHEEL_NEVER);
}

static void agrees_with_the_model(void)
{
	u64 random = 1;

	now = 0;
	for (unsigned n = 0; n < 12000; n++) {
		unsigned i = (unsigned)test_below(&random, NODES);

		switch (test_below(&random, 4)) {
		case 0:
		case 1:
			if (model[i].inside)
				drop(i);
			else
				push(i, some_time(&random));
			break;
		case 2: /* as an interrupt does, which may leave something to do */
			(void)steps((unsigned)test_below(&random, 12));
			break;
		default: now = MAX(now, MIN(now + test_below(&random, 300), least_key() + 2)); break;
		}
		check_next(false);
	}
	empty();
}

/* Nothing is ever removed, and all that is due is done: the next time is exact. */
static void the_next_time_is_exact(void)
{
	u64 random = 2;

	for (unsigned n = 0; n < 3000; n++) {
		unsigned i = (unsigned)test_below(&random, NODES);

		if (!model[i].inside)
			push(i, some_time(&random));
		now = MAX(now, least_key() != WHEEL_NEVER && n % 3 == 0 ? least_key() : now);
		CHECK(steps(20 * NODES) > 0);
		check_next(true);
	}
	empty();
	/* With removals it is exact for up to eight nodes. */
	for (unsigned n = 0; n < 3000; n++) {
		unsigned i = (unsigned)test_below(&random, 8);

		if (model[i].inside)
			drop(i);
		else
			push(i, some_time(&random));
		now = MAX(now, least_key() != WHEEL_NEVER && n % 5 == 0 ? least_key() : now);
		CHECK(steps(20 * NODES) > 0);
		check_next(true);
	}
	empty();
}

/* Also when the wheel turns between the pushes, and when some were moved and others come late. */
static void equal_times_leave_in_order_of_arrival(void)
{
	for (u64 distance = 1; distance < 1ull << 62; distance *= 5) {
		u64 at = now + 4 * distance;

		for (unsigned i = 0; i < NODES; i++) {
			push(i, at);
			if (i % 40 == 39) {
				now += distance / 2;
				(void)steps(3);
			}
		}
		now = at;
		for (unsigned i = 0; i < NODES; i++)
			(void)steps(1);
		CHECK(steps(17 * NODES) > 0);
		CHECK_EQ(count, 0);
		if (now > 1ull << 61)
			break;
	}
}

/* Of ten in one slot the first goes, which leaves the slot's bound too early, and then all but the
 * last: that one is alone, and must not leave when only the bound is due. */
static void a_lone_node_waits_for_its_time(void)
{
	struct wheel_node *n;
	u64 first = (now | 0xffff) + 1;

	for (unsigned i = 0; i < 10; i++)
		push(i, first + i);
	for (unsigned i = 0; i < 9; i++)
		drop(i);
	for (now = first; now < first + 9; now++)
		for (unsigned i = 0; i < 20; i++)
			CHECK(!wheel_step(&wheel, now, &n) || !n);
	CHECK_EQ(steps(20), 19);
	CHECK_EQ(count, 0);
}

/* Of ten in one slot all are taken out in the order of their times: its bound, too early since the
 * first went, goes with the last. */
static void an_emptied_wheel_has_no_next_time(void)
{
	struct wheel_node *n;
	u64 first = (now | 0xffff) + 1;

	for (unsigned i = 0; i < 10; i++)
		push(i, first + i);
	for (unsigned i = 0; i < 10; i++)
		drop(i);
	CHECK_EQ(wheel_next(&wheel), WHEEL_NEVER);
	CHECK(!wheel_step(&wheel, first + 100, &n));
}

/* The most that one call costs. On the simulator's only CPU that runs, a nanosecond is an access to
 * memory or a block of code: the clock counts steps. */
struct cost {
	u64 most, calls;
};

#define COUNT(cost, call)                                                                          \
	({                                                                                         \
		u64 begin_ = clock_ns();                                                           \
		__auto_type result_ = (call);                                                      \
                                                                                                   \
		(cost)->most = MAX((cost)->most, clock_ns() - begin_);                             \
		(cost)->calls++;                                                                   \
		result_;                                                                           \
	})

static struct wheel_node many[MANY];
static struct wheel big;

/* n nodes within a second, of which half are taken out and the others come due. */
static void costs_of(u64 n, struct cost *arm, struct cost *cancel, struct cost *step, u64 *expired)
{
	u64 random = n, time = 0;
	struct wheel_node *due = NULL;

	memset(&big, 0, sizeof big);
	for (u64 i = 0; i < n; i++)
		COUNT(arm, (wheel_push(&big, &many[i], 1 + test_below(&random, SEC(1))), 0));
	for (u64 i = 0; i < n / 2; i++)
		COUNT(cancel, (wheel_remove(&big, &many[2 * i]), 0));
	while (big.levels) {
		if (!COUNT(step, wheel_step(&big, time, &due)))
			time = wheel_next(&big);
		*expired += due != NULL;
	}
}

static void costs_do_not_grow(u64 up_to)
{
	bool irqs = arch_irq_save();

	kprintf("nodes     most steps to push  to remove  in a wheel_step; calls of it for each due\n");
	for (u64 n = 1; n <= up_to; n *= 10) {
		struct cost arm = {}, cancel = {}, step = {};
		u64 expired = 0;

		costs_of(n, &arm, &cancel, &step, &expired);
		kprintf("%7llu %20llu %10llu %17llu %10llu.%llu\n", (unsigned long long)n,
			(unsigned long long)arm.most, (unsigned long long)cancel.most,
			(unsigned long long)step.most, (unsigned long long)(step.calls / expired),
			(unsigned long long)(step.calls * 10 / expired % 10));
		CHECK_EQ(expired, n - n / 2);
		CHECK(arm.most <= 40);
		CHECK(cancel.most <= 80);
		CHECK(step.most <= 80);
		CHECK(step.calls <= 18 * expired); /* 15 moves, the end of one, itself, and in vain */
	}
	arch_irq_restore(irqs);
}

static void costs_up_to_ten_thousand(void)
{
	costs_do_not_grow(10000);
}

static void costs_up_to_a_million(void)
{
	costs_do_not_grow(MANY);
}

TESTS_MAIN(PLAIN(agrees_with_the_model), PLAIN(the_next_time_is_exact),
	   PLAIN(equal_times_leave_in_order_of_arrival), PLAIN(a_lone_node_waits_for_its_time),
	   PLAIN(an_emptied_wheel_has_no_next_time), PLAIN(costs_up_to_ten_thousand),
	   PLAIN(costs_up_to_a_million));
