/*
 * The pairing heap against a plain array, through random pushes, pops and removals.
 * cpus: 1
 */
#include "../test.h"
#include "base/heap.h"

#define NODES 200

static struct heap heap;
static struct heap_node nodes[NODES];
static bool inside[NODES];

static int least_in_model(void)
{
	int least = -1;

	for (int i = 0; i < NODES; i++) {
		if (!inside[i])
			continue;
		if (least < 0 || nodes[i].key < nodes[least].key ||
		    (nodes[i].key == nodes[least].key && nodes[i].seq < nodes[least].seq))
			least = i;
	}
	return least;
}

/* Few different keys, so that order of arrival matters often. */
static void push(int i, u64 *seed, u64 *seq)
{
	nodes[i].key = test_below(seed, 20);
	nodes[i].seq = (*seq)++;
	heap_push(&heap, &nodes[i]);
	inside[i] = true;
}

static void remove_node(int i)
{
	heap_remove(&heap, &nodes[i]);
	inside[i] = false;
}

static void agrees_with_the_model(void)
{
	u64 seed = 1, seq = 0;

	for (unsigned n = 0; n < 30000; n++) {
		int i = (int)test_below(&seed, NODES), least = least_in_model();

		CHECK(heap_peek(&heap) == (least < 0 ? NULL : &nodes[least]));
		if (!inside[i])
			push(i, &seed, &seq);
		else if (test_below(&seed, 2))
			remove_node(i);
		else
			remove_node(least);
	}
	for (int least; (least = least_in_model()) >= 0; remove_node(least))
		CHECK(heap_peek(&heap) == &nodes[least]);
	CHECK(heap_peek(&heap) == NULL);
}

static void equal_keys_leave_in_order_of_arrival(void)
{
	for (int i = 0; i < NODES; i++) {
		nodes[i].key = 5;
		nodes[i].seq = (u64)i;
		heap_push(&heap, &nodes[i]);
	}
	for (int i = 0; i < NODES; i++) {
		CHECK(heap_peek(&heap) == &nodes[i]);
		heap_remove(&heap, &nodes[i]);
	}
}

/* Keys that rise give a root with every other node as its child: the longest list to meld. */
static void a_long_list_of_children(void)
{
	static struct heap_node many[20000];

	for (u64 i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = (struct heap_node){.key = i};
		heap_push(&heap, &many[i]);
	}
	for (u64 i = 0; i < ARRAY_LEN(many); i++) {
		if (heap_peek(&heap) != &many[i])
			panic("node %llu did not come", (unsigned long long)i);
		heap_remove(&heap, &many[i]);
	}
	CHECK(heap_peek(&heap) == NULL);
}

TESTS_MAIN(PLAIN(agrees_with_the_model), PLAIN(equal_keys_leave_in_order_of_arrival),
	   PLAIN(a_long_list_of_children));
