/*
 * Not explorable: a loop that ends by itself.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static _Atomic bool flag;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	for (int i = 0; i < 3 && id == 0; i++) {
		if (atomic_load_explicit(&flag, memory_order_relaxed))
			break;
		arch_relax();
	}
}

void explore_end(void)
{
}
