/*
 * CPU 0 looks for what it waits for only behind the pause of its loop: the explorer would not see
 * what comes then.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static _Atomic int ready, other;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	int seen = atomic_load_explicit(&ready, memory_order_acquire);

	if (id) {
		atomic_store_explicit(&other, 1, memory_order_relaxed);
		atomic_store_explicit(&ready, 1, memory_order_release);
		return;
	}
	ASSERT(atomic_load_explicit(&other, memory_order_relaxed) < 2);
	while (!seen) {
		arch_relax();
		seen = atomic_load_explicit(&ready, memory_order_acquire);
	}
}

void explore_end(void)
{
}
