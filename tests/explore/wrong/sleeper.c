/*
 * Planted: store buffering. Each says what it has done and then looks; both may look too early.
 * The sleeper halts when it sees no work, and is hinted only when it is seen to sleep.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static _Atomic bool work, sleeps;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	if (id == 0) {
		atomic_store_explicit(&sleeps, true, memory_order_release);
		if (!atomic_load_explicit(&work, memory_order_acquire))
			sim_idle();
	} else {
		atomic_store_explicit(&work, true, memory_order_release);
		if (atomic_load_explicit(&sleeps, memory_order_acquire))
			sim_hint(0);
	}
}

void explore_end(void)
{
}
