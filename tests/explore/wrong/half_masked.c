/*
 * A counter of one CPU, which its interrupt counts up, too, and which the task counts up without a
 * mask: an interrupt between its load and its store is forgotten.
 */
#include "../explore.h"

const unsigned explore_threads = 1;
const unsigned explore_interrupts[] = {1};

static unsigned n;

void explore_begin(void)
{
}

void explore_interrupt(unsigned id)
{
	(void)id;
	n++;
}

void explore_thread(unsigned id)
{
	(void)id;
	n++;
}

void explore_end(void)
{
	ASSERT(n == 2);
}
