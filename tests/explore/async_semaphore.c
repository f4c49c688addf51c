/*
 * links: async/semaphore.c async/wait.c task/fault.c
 *
 * The semaphore: one permit and three tasks. One has it at a time, nobody passes who waits, and
 * nobody is left waiting.
 */
#include "async/semaphore.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct semaphore s;
static struct wait waits[3];
static unsigned inside;
static struct ghost queue;

void explore_begin(void)
{
	tasks_begin();
	semaphore_init(&s, 1);
}

static bool waiting(unsigned id)
{
	return *(volatile enum wait_state *)&waits[id].state == WAIT_QUEUED;
}

void explore_thread(unsigned id)
{
	task_begin(id);
	await_noted(semaphore_acquire(&waits[id], &s, 1, TRACE_await_kind_semaphore), id, &queue);
	ASSERT(ghost_passed_nobody(&queue, id, waiting));
	inside++;
	semaphore_release(&s, 1);
}

void explore_end(void)
{
	ASSERT(inside == 3);
	ASSERT(atomic_load(&s.free) == 1 && !s.queue.count && list_empty(&s.queue.waits));
}
