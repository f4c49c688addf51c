/*
 * Planted: one CPU writes what another reads.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static unsigned data;
static _Atomic bool flag;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	if (id == 0) {
		data = 1;
		atomic_store_explicit(&flag, true, memory_order_relaxed); /* not a release */
	} else if (atomic_load_explicit(&flag, memory_order_acquire)) {
		ASSERT(data == 1);
	}
}

void explore_end(void)
{
}
