/*
 * A task holds a lock with interrupts enabled, and the interrupt takes the same lock: for ever, if
 * it comes then.
 */
#include "../explore.h"
#include "sync/spin.h"

const unsigned explore_threads = 1;
const unsigned explore_interrupts[] = {1};
const bool explore_locks_given = true;

static struct spin lock = SPIN_INIT;

void explore_begin(void)
{
}

void explore_interrupt(unsigned id)
{
	bool irqs = spin_lock(&lock);

	(void)id;
	spin_unlock(&lock, irqs);
}

void explore_thread(unsigned id) NO_THREAD_SAFETY_ANALYSIS
{
	(void)id;
	spin_lock_raw(&lock);
	spin_unlock_raw(&lock);
}

void explore_end(void)
{
}
