/*
 * The MCS lock: four CPUs, each once; two, each twice with TWICE. One at a time, and nobody is left
 * waiting.
 */
#include "sync/mcs.h"
#include "explore.h"

#ifndef CPUS
#define CPUS 4
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif

const unsigned explore_threads = CPUS;

static struct mcs lock = MCS_INIT;
static unsigned inside;

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	(void)id;
	for (int i = 0; i < ROUNDS; i++) {
		struct mcs_node node;

		mcs_lock(&lock, &node);
		inside++;
		mcs_unlock(&lock, &node);
	}
}

void explore_end(void)
{
	ASSERT(inside == CPUS * ROUNDS);
	ASSERT(!mcs_held(&lock));
}
