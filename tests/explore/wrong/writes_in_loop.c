/*
 * Not explorable: each look writes.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static _Atomic bool taken;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	(void)id;
	while (atomic_exchange_explicit(&taken, true, memory_order_acquire))
		arch_relax();
	atomic_store_explicit(&taken, false, memory_order_release);
}

void explore_end(void)
{
}
