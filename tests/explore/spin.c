/*
 * The ticket lock: CPU 0 twice, two others once. One at a time, in the order of their tickets.
 */
#include "sync/spin.h"
#include "explore.h"

const unsigned explore_threads = 3;

static struct spin lock = SPIN_INIT;
static unsigned inside;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	for (int i = 0; i < (id ? 1 : 2); i++) {
		bool irqs = spin_lock(&lock);

		/* relaxed: the holder's own */
		ASSERT(atomic_load_explicit(&lock.owner, memory_order_relaxed) == inside);
		inside++;
		spin_unlock(&lock, irqs);
		ASSERT(irqs && arch_irq_enabled());
	}
}

void explore_end(void)
{
	ASSERT(inside == 4);
}
