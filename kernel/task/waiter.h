/*
 * waiter.h: a queue of tasks that wait for one thing, in order of arrival. It has no lock of its
 * own: whoever owns the queue says which lock protects it and the waiters in it.
 *
 * A woken waiter stays in the queue until it has looked and leaves by itself. So nobody can
 * overtake it between its wake-up and its poll; and when it is cancelled instead, it is seen to
 * leave and the next one can be woken: a cancelled waiter never swallows a wake-up.
 */
#pragma once

#include "base/list.h"
#include "task/task.h"

struct waiter {
	struct list link;
	struct task *task; /* NULL when in no queue */
};

static inline void waiter_init(struct waiter *w)
{
	list_init(&w->link);
	w->task = NULL;
}

/** Queues @p w for the calling task, unless it is queued. */
static inline void waiter_join(struct list *queue, struct waiter *w)
{
	if (w->task)
		return;
	w->task = task_self();
	list_add_tail(queue, &w->link);
}

static inline void waiter_leave(struct waiter *w)
{
	list_del(&w->link);
	w->task = NULL;
}

/** True when nobody else in @p queue came before @p w, which may be in it or not; NULL: is not. */
static inline bool waiter_first(const struct list *queue, const struct waiter *w)
{
	return list_empty(queue) || (w && queue->next == &w->link);
}

/** The task of the first in @p queue, or NULL. */
static inline struct task *waiter_task(const struct list *queue)
{
	return list_empty(queue) ? NULL : LIST_ENTRY(queue->next, struct waiter, link)->task;
}

/** Wakes the first in @p queue, if any. */
static inline void waiter_wake_first(const struct list *queue)
{
	if (!list_empty(queue))
		task_wake(LIST_ENTRY(queue->next, struct waiter, link)->task);
}

static inline void waiter_wake_all(const struct list *queue)
{
	LIST_FOR_EACH(it, queue)
	task_wake(LIST_ENTRY(it, struct waiter, link)->task);
}
