/*
 * Not explorable: a loop without a pause and without an atomic.
 */
#include "../explore.h"

const unsigned explore_threads = 2;

static volatile bool on = true;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	while (id == 0 && on)
		;
}

void explore_end(void)
{
}
