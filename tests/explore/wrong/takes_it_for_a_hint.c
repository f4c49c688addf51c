/*
 * Planted: whoever is woken takes it for the hint, and does not look whether there is work.
 */
#include "../explore.h"

const unsigned explore_threads = 2;
const unsigned explore_interrupts[] = {1, 0};

static _Atomic bool work;

void explore_interrupt(unsigned id)
{
	(void)id;
}

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	if (id) {
		atomic_store_explicit(&work, true, memory_order_release);
		sim_hint(0);
	} else {
		arch_irq_disable();
		sim_idle();
		ASSERT(atomic_load_explicit(&work, memory_order_acquire));
	}
}

void explore_end(void)
{
}
