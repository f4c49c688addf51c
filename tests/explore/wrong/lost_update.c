/*
 * Planted: a counter is read and written in two steps.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static _Atomic unsigned n;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	(void)id;
	atomic_store_explicit(&n, atomic_load_explicit(&n, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

void explore_end(void)
{
	ASSERT(atomic_load(&n) == 2);
}
