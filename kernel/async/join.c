#include "async/join.h"

static enum poll join_poll(struct awaitable *a)
{
	struct join *j = CONTAINER_OF(a, struct join, aw);
	bool irqs = spin_lock(&j->task->lock);
	bool done = j->task->done;

	if (done) {
		j->status = j->task->status;
		waiter_leave(&j->waiter);
	} else {
		waiter_join(&j->task->joiners, &j->waiter);
	}
	spin_unlock(&j->task->lock, irqs);
	return done ? POLL_READY : POLL_PENDING;
}

static void join_cancel(struct awaitable *a)
{
	struct join *j = CONTAINER_OF(a, struct join, aw);
	bool irqs = spin_lock(&j->task->lock);

	waiter_leave(&j->waiter);
	spin_unlock(&j->task->lock, irqs);
}

struct awaitable *task_join(struct join *j, struct task *t)
{
	j->aw = (struct awaitable){join_poll, join_cancel, TRACE_await_kind_join};
	waiter_init(&j->waiter);
	j->task = t;
	j->status = 0;
	return &j->aw;
}
