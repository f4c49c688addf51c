/*
 * links: async/semaphore.c async/wait.c task/fault.c
 *
 * The semaphore with two permits. Task 0 wants one, looks once only and withdraws what it may have
 * been granted meanwhile; then it wants one and waits. Task 1 wants both. Who has both is alone, no
 * permit is lost, nobody is left waiting.
 */
#include "async/semaphore.h"
#include "tasks.h"

const unsigned explore_threads = 2;

static struct semaphore s;
static unsigned data;

void explore_begin(void)
{
	tasks_begin();
	semaphore_init(&s, 2);
}

static struct awaitable *want(struct wait *w, unsigned n)
{
	return semaphore_acquire(w, &s, n, TRACE_await_kind_semaphore);
}

void explore_thread(unsigned id)
{
	struct wait w;

	task_begin(id);
	if (id) {
		await(want(&w, 2));
		data = 7;
		semaphore_release(&s, 2);
		return;
	}
	if (await_poll(want(&w, 1)) == POLL_READY) {
		ASSERT(!data || data == 7);
		semaphore_release(&s, 1);
	} else {
		await_cancel(&w.aw);
	}
	await(want(&w, 1));
	ASSERT(!data || data == 7);
	semaphore_release(&s, 1);
}

void explore_end(void)
{
	ASSERT((atomic_load(&s.free) & ~SEMAPHORE_WAITED) == 2 && data == 7);
	ASSERT(!s.queue.count && list_empty(&s.queue.waits));
}
