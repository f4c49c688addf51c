/*
 * Planted: two stores of one CPU are seen in the other order, by who writes them himself. No order
 * of execution shows it: the second CPU's store to y goes before the first one's in modification
 * order.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static _Atomic unsigned x, y;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	if (id == 0) {
		atomic_store_explicit(&x, 1, memory_order_relaxed);
		atomic_store_explicit(&y, 2, memory_order_relaxed);
	} else {
		atomic_store_explicit(&y, 1, memory_order_relaxed);
		atomic_store_explicit(&x, 2, memory_order_relaxed);
	}
}

void explore_end(void)
{
	ASSERT(atomic_load(&x) != 1 || atomic_load(&y) != 1);
}
