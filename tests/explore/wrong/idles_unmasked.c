/*
 * A CPU looks whether there is work, and halts with interrupts enabled in between: an interrupt
 * that brings work just then is seen by nobody. Here it halts for ever.
 */
#include "../explore.h"

const unsigned explore_threads = 1;
const unsigned explore_interrupts[] = {1};

static _Atomic bool work;

void explore_begin(void)
{
}

void explore_interrupt(unsigned id)
{
	(void)id;
	atomic_store_explicit(&work, true, memory_order_relaxed);
}

void explore_thread(unsigned id)
{
	(void)id;
	while (!atomic_load_explicit(&work, memory_order_relaxed))
		sim_idle();
}

void explore_end(void)
{
}
