/*
 * links: async/semaphore.c async/wait.c task/fault.c
 *
 * The async reader-writer lock: a writer and two readers. A writer is alone, no reader sees half of
 * a write, nobody passes who waits, so nobody starves, and nobody is left waiting.
 */
#include "async/lock.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct rw_mutex lock;
static struct wait waits[3];
static unsigned first, second;
static struct ghost queue;

void explore_begin(void)
{
	tasks_begin();
	rw_mutex_init(&lock);
	lock.s.poisoned = ERR_OWNERDEAD; /* each owner is told, until one recovers it */
	ASSERT(rw_mutex_end_read(&lock, NULL) == ERR_INVAL); /* which nobody began */
}

static bool waiting(unsigned id)
{
	return *(volatile enum wait_state *)&waits[id].state == WAIT_QUEUED;
}

static void write(unsigned id)
{
	await_noted(rw_mutex_write(&waits[id], &lock), id, &queue);
	ASSERT(ghost_passed_nobody(&queue, id, waiting));
	ASSERT(waits[id].status == ERR_OWNERDEAD && tasks[id].owned == &lock.s.owned);
	first++;
	second++;
	ASSERT(rw_mutex_end_read(&lock, &waits[id]) == ERR_INVAL);
	ASSERT(!rw_mutex_end_write(&lock));
}

static void read(unsigned id)
{
	await_noted(rw_mutex_read(&waits[id], &lock), id, &queue);
	ASSERT(ghost_passed_nobody(&queue, id, waiting));
	ASSERT(waits[id].status == ERR_OWNERDEAD && tasks[id].owned == &waits[id].owned);
	ASSERT(first == second);
	ASSERT(rw_mutex_end_write(&lock) == ERR_INVAL);
	ASSERT(!rw_mutex_end_read(&lock, &waits[id]));
}

void explore_thread(unsigned id)
{
	task_begin(id);
	(id ? read : write)(id);
}

void explore_end(void)
{
	ASSERT(first == 1 && second == 1);
	ASSERT(atomic_load(&lock.s.free) == RW_MUTEX_ALL && !lock.s.queue.count);
	for (unsigned i = 0; i < 3; i++)
		ASSERT(!tasks[i].owned);
}
