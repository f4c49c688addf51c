/*
 * links: async/event.c async/wait.c task/fault.c
 *
 * The barrier: three tasks meet at it twice. Behind it each sees what the others did before it;
 * nobody is through before all are there, and nobody is left waiting.
 */
#include "async/event.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct barrier barrier;
static unsigned done[2][3];

void explore_begin(void)
{
	tasks_begin();
	barrier = (struct barrier){.to_go = 7, .generation = 7}; /* what was there before */
	barrier_init(&barrier, 3);
}

void explore_thread(unsigned id)
{
	struct wait w;

	task_begin(id);
	for (unsigned round = 0; round < 2; round++) {
		done[round][id] = 1;
		await(barrier_wait(&w, &barrier));
		ASSERT(done[round][0] + done[round][1] + done[round][2] == 3);
	}
}

void explore_end(void)
{
	ASSERT(barrier.generation == 2 && !barrier.to_go && !barrier.queue.count);
}
