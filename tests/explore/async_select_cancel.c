/*
 * links: async/select.c async/semaphore.c async/event.c async/wait.c task/fault.c
 *
 * Select that withdraws what it was granted: task 0 awaits the only permit of a semaphore or an
 * event, task 1 the same permit, task 2 gives the permit and sets the event. If task 0 takes the
 * event, task 1 gets the permit, also if it had been granted to task 0 already; if it takes the
 * permit, it gives it on.
 */
#include "async/event.h"
#include "async/select.h"
#include "async/semaphore.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct semaphore s;
static struct event event;
static bool had[2];

void explore_begin(void)
{
	tasks_begin();
	semaphore_init(&s, 1);
	ASSERT(!semaphore_try_acquire(&s, 1));
	event_init(&event);
}

static void choose(void)
{
	struct select choice = {.count = 0};
	struct wait w[2];
	struct awaitable *arms[2] = {semaphore_acquire(&w[1], &s, 1, TRACE_await_kind_semaphore),
				     event_wait(&w[0], &event)};

	await(select_biased(&choice, arms, 2));
	had[0] = !choice.index;
	if (had[0])
		semaphore_release(&s, 1);
}

void explore_thread(unsigned id)
{
	struct wait w;

	task_begin(id);
	if (id == 0) {
		choose();
	} else if (id == 1) {
		await(semaphore_acquire(&w, &s, 1, TRACE_await_kind_semaphore));
		had[1] = true;
	} else {
		semaphore_release(&s, 1);
		event_set(&event);
	}
}

void explore_end(void)
{
	ASSERT(had[1] && (atomic_load(&s.free) & ~SEMAPHORE_WAITED) == 0);
	ASSERT(!s.queue.count && !event.queue.count);
}
