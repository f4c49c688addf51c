/*
 * links: async/lock.c async/wait.c task/fault.c task/inherit.c
 *
 * The mutex: three tasks, of which the last looks once only and withdraws what it may have been
 * granted meanwhile. One has it at a time, in order of arrival, only its owner can give it, and
 * nobody is left waiting.
 */
#include "async/lock.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct mutex m;
static struct wait waits[3];
static unsigned inside, gone;
static struct ghost queue;

void explore_begin(void)
{
	tasks_begin();
	mutex_init_as(&m, false);
}

static bool waiting(unsigned id)
{
	return *(volatile enum wait_state *)&waits[id].state == WAIT_QUEUED;
}

void explore_thread(unsigned id)
{
	struct awaitable *a = mutex_lock(&waits[id], &m);

	task_begin(id);
	if (id < 2)
		await_noted(a, id, &queue);
	else if (await_poll(a) == POLL_PENDING) {
		await_cancel(a);
		ASSERT(mutex_unlock(&m) == ERR_INVAL);
		return;
	}
	ASSERT(ghost_passed_nobody(&queue, id, waiting));
	inside++;
	gone += id == 2;
	ASSERT(!mutex_unlock(&m));
}

void explore_end(void)
{
	ASSERT(inside == 2 + gone);
	ASSERT(!atomic_load(&m.owner) && !m.queue.count && list_empty(&m.queue.waits));
	for (unsigned i = 0; i < 3; i++)
		ASSERT(!tasks[i].owned && !tasks[i].lent && !tasks[i].shields);
}
