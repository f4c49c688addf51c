/*
 * links: async/lock.c async/wait.c task/fault.c task/inherit.c
 *
 * The mutex: three tasks, of which the last looks once only and withdraws what it may have been
 * granted meanwhile. One has it at a time, in order of arrival, only its owner can give it, and
 * nobody is left waiting. The first takes another one meanwhile: it is known to own both.
 */
#include "async/lock.h"
#include "tasks.h"

#ifndef STAYING
#define STAYING 2 /* tasks that withdraw nothing */
#endif

const unsigned explore_threads = 3;

static struct mutex m, another;
static struct wait waits[3];
static unsigned inside, gone;
static struct ghost queue;

void explore_begin(void)
{
	tasks_begin();
	mutex_init_as(&m, false);
	m.poisoned = ERR_OWNERDEAD; /* each owner is told, until one recovers it */
	mutex_init_as(&another, false);
}

static bool waiting(unsigned id)
{
	return *(volatile enum wait_state *)&waits[id].state == WAIT_QUEUED;
}

static void take_another(void)
{
	struct wait w;

	ASSERT(await_poll(mutex_lock(&w, &another)) == POLL_READY);
	ASSERT(task_owned(&tasks[0], m.owned.release, NULL) == &m.owned);
	ASSERT(tasks[0].lent == &another.owned);
	ASSERT(!mutex_unlock(&another));
}

void explore_thread(unsigned id)
{
	struct awaitable *a = mutex_lock(&waits[id], &m);

	task_begin(id);
	if (STAYING == 3 || id < STAYING)
		await_noted(a, id, &queue);
	else if (await_poll(a) == POLL_PENDING) {
		await_cancel(a);
		ASSERT(mutex_unlock(&m) == ERR_INVAL);
		return;
	}
	ASSERT(ghost_passed_nobody(&queue, id, waiting));
	ASSERT(waits[id].status == ERR_OWNERDEAD);
	inside++;
	if (!id && STAYING < 3)
		take_another();
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
