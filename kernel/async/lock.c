#include "async/lock.h"

static struct mutex *mutex_of(struct wait_queue *q)
{
	return CONTAINER_OF(CONTAINER_OF(q, struct semaphore, queue), struct mutex, s);
}

static bool mutex_grant(struct wait_queue *q, struct wait *w)
{
	if (!semaphore_grant(q, w))
		return false;
	inherit_leave(&w->donor);
	inherit_own(&mutex_of(q)->inherit, w->task);
	return true;
}

static void mutex_waits(struct wait_queue *q, struct wait *w)
{
	inherit_wait(&mutex_of(q)->inherit, &w->donor, w->task);
}

static void mutex_leaves(struct wait_queue *q, struct wait *w)
{
	(void)q;
	inherit_leave(&w->donor);
}

static void mutex_freed(struct wait_queue *q)
{
	inherit_own(&mutex_of(q)->inherit, NULL);
}

void mutex_init(struct mutex *m)
{
	mutex_init_as(m, inherit_default);
}

void mutex_init_as(struct mutex *m, bool inherits)
{
	static const struct wait_ops ops = {mutex_grant, semaphore_revoke, mutex_waits, mutex_leaves,
					    mutex_freed};

	semaphore_init(&m->s, 1);
	m->s.queue.ops = &ops;
	inherit_init(&m->inherit);
	m->inherit.on = inherits;
}
