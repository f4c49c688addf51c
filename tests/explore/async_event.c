/*
 * links: async/event.c async/wait.c task/fault.c
 *
 * The event: two wait for it, one sets it and resets it at once. Whoever waited when it was set
 * goes on; a second event_set lets the rest go on. Nobody is left waiting.
 */
#include "async/event.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct event event;
static struct wait waits[2];
static struct ghost queue;
static unsigned message;

void explore_begin(void)
{
	tasks_begin();
	event_init(&event);
}

static bool waiting(unsigned id)
{
	return *(volatile enum wait_state *)&waits[id].state == WAIT_QUEUED;
}

void explore_thread(unsigned id)
{
	unsigned before;

	task_begin(id);
	if (id < 2) {
		await_noted(event_wait(&waits[id], &event), id, &queue);
		ASSERT(message == 7);
		return;
	}
	message = 7;
	before = queue.n;
	event_set(&event);
	event_reset(&event);
	for (unsigned i = 0; i < before; i++)
		ASSERT(!waiting(queue.of[i]));
	event_set(&event);
}

void explore_end(void)
{
	ASSERT(event.set && !event.queue.count && list_empty(&event.queue.waits));
}
