/*
 * Planted: a CPU that counts on an interrupt for each hint. Two that come before it takes the first
 * are one.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	for (unsigned i = 0; i < 2; i++)
		if (id)
			sim_hint(0);
		else
			sim_idle();
}

void explore_end(void)
{
}
