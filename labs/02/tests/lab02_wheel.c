/* The queue of times by itself: kernel/base/wheel.c. */
#include "../../common/host.h"
#include "base/wheel.h"

#define NODES 40u

static struct wheel wheel;
static struct wheel_node nodes[NODES];
static struct {
	bool inside;
	u64 key, order;
} model[NODES];
static u64 now, orders;

static unsigned first_of_all(void)
{
	unsigned best = NODES;

	for (unsigned i = 0; i < NODES; i++)
		if (model[i].inside &&
		    (best == NODES || model[i].key < model[best].key ||
		     (model[i].key == model[best].key && model[i].order < model[best].order)))
			best = i;
	return best;
}

static void begin(void)
{
	memset(&wheel, 0, sizeof wheel);
	memset(model, 0, sizeof model);
	now = orders = 0;
}

static void push(unsigned i, u64 key)
{
	wheel_push(&wheel, &nodes[i], key);
	model[i].inside = true;
	model[i].key = key;
	model[i].order = orders++;
}

static void remove_one(unsigned i)
{
	wheel_remove(&wheel, &nodes[i]);
	model[i].inside = false;
}

/* Takes out all that is due until @p until, and compares each with the array. */
static void advance(u64 until)
{
	struct wheel_node *due;

	now = until;
	for (unsigned steps = 0; wheel_step(&wheel, now, &due) && !host_failures; steps++) {
		unsigned right = first_of_all();

		EXPECT(steps < 100 * NODES,
		       "at time %llu the wheel has something to do without end",
		       (unsigned long long)now);
		if (!due)
			continue;
		host_note((u64)(due - nodes));
		EXPECT(right < NODES, "the wheel gives a node, but none is in it");
		EXPECT(due->key <= now, "a node for time %llu came out at %llu, too early",
		       (unsigned long long)due->key, (unsigned long long)now);
		EXPECT(right < NODES && due == &nodes[right],
		       "at %llu the wheel gives the node for %llu that came as number %llu; the "
		       "first is the one for %llu that came as number %llu",
		       (unsigned long long)now, (unsigned long long)due->key,
		       (unsigned long long)model[due - nodes].order,
		       (unsigned long long)model[right % NODES].key,
		       (unsigned long long)model[right % NODES].order);
		model[due - nodes].inside = false;
	}
	EXPECT(first_of_all() == NODES || model[first_of_all()].key > now,
	       "a node for time %llu is still in the wheel at %llu",
	       (unsigned long long)model[first_of_all() % NODES].key, (unsigned long long)now);
}

static void one_after_the_other(void)
{
	begin();
	push(0, 300);
	push(1, 20);
	push(2, 1000000);
	push(3, 21);
	EXPECT(wheel_next(&wheel) == 20,
	       "nodes for 300, 20, 1000000 and 21 are in the wheel; the next time is 20, not %llu",
	       (unsigned long long)wheel_next(&wheel));
	advance(20);
	advance(299);
	advance(2000000);
	EXPECT(wheel_next(&wheel) == WHEEL_NEVER, "the wheel is empty, and there is a next time");
}

static void equal_times_in_order_of_arrival(void)
{
	begin();
	for (unsigned i = 0; i < 10; i++)
		push(i, 777);
	advance(777);
}

static void what_was_removed_does_not_come(void)
{
	begin();
	for (unsigned i = 0; i < 10; i++)
		push(i, 100 + i / 2);
	for (unsigned i = 0; i < 10; i += 3)
		remove_one(i);
	advance(200);
	push(0, 5000);
	remove_one(0);
	EXPECT(wheel_next(&wheel) == WHEEL_NEVER,
	       "the only node was removed, and there is a next time, %llu: an empty slot's bit "
	       "stayed",
	       (unsigned long long)wheel_next(&wheel));
}

static u64 some_time(void)
{
	switch (host_below(5)) {
	case 0:
		return now + 1;
	case 1:
		return now + 1 + host_below(20);
	case 2:
		return (now + 1000) & ~511ull;
	case 3:
		return now + 1 + (host_below(UINT64_MAX) >> (20 + host_below(43)));
	default:
		return now + 1 + host_below(5000);
	}
}

static void against_an_array(void)
{
	begin();
	for (unsigned step = 0; step < 20000 && !host_failures; step++) {
		unsigned i = (unsigned)host_below(NODES);

		if (host_below(4) == 0)
			advance(now + host_below(2000));
		else if (model[i].inside)
			remove_one(i);
		else
			push(i, some_time());
	}
}

TESTS(TEST(one_after_the_other), TEST(equal_times_in_order_of_arrival),
      TEST(what_was_removed_does_not_come), TEST(against_an_array));
