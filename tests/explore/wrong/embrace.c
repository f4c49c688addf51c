/*
 * Planted: two locks are taken in both orders.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static _Atomic bool taken[2];

static void take(unsigned i)
{
	bool was = false;

	while (!atomic_compare_exchange_strong_explicit(&taken[i], &was, true, memory_order_acquire,
							memory_order_relaxed)) {
		arch_relax();
		was = false;
	}
}

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	take(id);
	take(!id);
	atomic_store_explicit(&taken[id], false, memory_order_release);
	atomic_store_explicit(&taken[!id], false, memory_order_release);
}

void explore_end(void)
{
}
