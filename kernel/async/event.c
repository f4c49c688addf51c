#include "async/event.h"

static bool event_grant(struct wait_queue *q, struct wait *w)
{
	(void)w;
	return CONTAINER_OF(q, struct event, queue)->set;
}

void event_init(struct event *e)
{
	static const struct wait_ops ops = {.grant = event_grant};

	wait_queue_init(&e->queue, &ops);
	e->set = false;
}

static void event_change(struct event *e, bool set)
{
	bool irqs = spin_lock(&e->queue.lock);

	e->set = set;
	wait_serve(&e->queue, irqs);
}

void event_set(struct event *e)
{
	event_change(e, true);
}

void event_reset(struct event *e)
{
	event_change(e, false);
}

struct awaitable *event_wait(struct wait *w, struct event *e)
{
	return wait_init(w, &e->queue, TRACE_await_kind_event);
}

/* The last one that is needed opens it for all of them; the queue is empty when they are through.
 */
static bool barrier_grant(struct wait_queue *q, struct wait *w) REQUIRES(q->lock)
{
	struct barrier *b = CONTAINER_OF(q, struct barrier, queue);

	(void)w;
	if (!b->to_go && q->count == b->tasks) {
		b->to_go = b->tasks;
		b->generation++;
	}
	if (!b->to_go)
		return false;
	b->to_go--;
	return true;
}

void barrier_init(struct barrier *b, u32 tasks)
{
	static const struct wait_ops ops = {.grant = barrier_grant};

	ASSERT(tasks > 0);
	wait_queue_init(&b->queue, &ops);
	b->tasks = tasks;
	b->to_go = 0;
	b->generation = 0;
}

struct awaitable *barrier_wait(struct wait *w, struct barrier *b)
{
	return wait_init(w, &b->queue, TRACE_await_kind_barrier);
}
