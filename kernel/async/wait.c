#include "async/wait.h"

void wait_queue_init(struct wait_queue *q, const struct wait_ops *ops) NO_THREAD_SAFETY_ANALYSIS
{
	*q = (struct wait_queue){.ops = ops};
	list_init(&q->waits);
}

static void leave(struct wait_queue *q, struct wait *w, enum wait_state state) REQUIRES(q->lock)
{
	list_del(&w->link);
	q->count--;
	__atomic_store_n(&w->state, state, __ATOMIC_RELAXED); /* see semaphore_poll */
	if (q->ops->leaves)
		q->ops->leaves(q, w);
}

/* Wakes all that it grants but the last one, which it returns; NULL: nobody is to be woken. @p self
 * is running and needs no wake-up; NULL: nobody is. */
static struct task *serve(struct wait_queue *q, const struct wait *self) REQUIRES(q->lock)
{
	struct task *last = NULL;
	struct list *first;

	while ((first = list_first(&q->waits)) != NULL) {
		struct wait *w = LIST_ENTRY(first, struct wait, link);

		if (!q->ops->grant(q, w))
			break;
		leave(q, w, WAIT_GRANTED);
		if (w == self)
			continue;
		if (last)
			task_wake(last);
		last = w->task;
	}
	return last;
}

/* The lock keeps @p last alive, so its wake-up gives it back. */
static void finish(struct wait_queue *q, struct task *last, bool irqs) RELEASE(q->lock)
{
	if (last)
		task_wake_release(last, &q->lock, irqs);
	else
		spin_unlock(&q->lock, irqs);
}

void wait_serve(struct wait_queue *q, bool irqs)
{
	finish(q, serve(q, NULL), irqs);
}

enum poll wait_poll(struct awaitable *a)
{
	struct wait *w = CONTAINER_OF(a, struct wait, aw);
	struct wait_queue *q = w->queue;
	struct task *last = NULL;
	bool irqs = spin_lock(&q->lock);
	bool ready;

	if (w->state == WAIT_NEW) {
		w->task = task_self();
		if (w->task->lent)
			task_own(w->task, NULL);
		w->state = WAIT_QUEUED;
		list_add_tail(&q->waits, &w->link);
		q->count++;
		last = serve(q, w);
		if (w->state == WAIT_QUEUED && q->ops->waits)
			q->ops->waits(q, w);
	}
	ready = w->state != WAIT_QUEUED;
	if (ready)
		w->state = WAIT_OVER;
	finish(q, last, irqs);
	return ready ? POLL_READY : POLL_PENDING;
}

void wait_cancel(struct awaitable *a)
{
	struct wait *w = CONTAINER_OF(a, struct wait, aw);
	struct wait_queue *q = w->queue;
	bool irqs = spin_lock(&q->lock);

	if (w->state == WAIT_QUEUED) {
		leave(q, w, WAIT_NEW);
	} else if (w->state == WAIT_GRANTED) {
		w->state = WAIT_NEW;
		if (q->ops->revoke)
			q->ops->revoke(q, w);
	}
	wait_serve(q, irqs);
}

struct awaitable *wait_init(struct wait *w, struct wait_queue *q, u8 kind)
{
	*w = (struct wait){.aw = {wait_poll, wait_cancel, kind}, .queue = q};
	return &w->aw;
}
